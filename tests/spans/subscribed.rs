//! A subscriber of one thread that remembers everything.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// A span, or an event.
#[derive(Clone, Debug)]
pub struct Told {
    pub name: String,
    pub level: Level,
    pub fields: BTreeMap<String, String>,
    /// The place of the span around it.
    pub inside: Option<usize>,
    pub over: bool,
    pub is_event: bool,
    handles: usize,
}

#[derive(Debug, Default)]
struct State {
    told: Vec<Told>,
    entered: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Subscribed {
    state: Arc<Mutex<State>>,
    at_most: Level,
}

impl Subscribed {
    /// To everything up to this level, until the guard is dropped.
    pub fn at(at_most: Level) -> (Self, DefaultGuard) {
        let subscribed = Self { state: Arc::default(), at_most };
        (subscribed.clone(), tracing::subscriber::set_default(subscribed))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn told(&self) -> Vec<Told> {
        self.state().told.clone()
    }

    pub fn spans(&self) -> Vec<Told> {
        self.told().into_iter().filter(|told| !told.is_event).collect()
    }

    /// What the calls were answered with, each of which is over.
    pub fn results(&self) -> Vec<String> {
        let calls = self.spans().into_iter().filter(|span| span.name == "cache");
        calls
            .map(|span| {
                assert!(span.over, "{span:?}");
                span.fields.get("cache.result").cloned().unwrap_or_default()
            })
            .collect()
    }

    fn place(id: &Id) -> usize {
        usize::try_from(id.into_u64() - 1).expect("a place")
    }
}

struct Fields<'f>(&'f mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Subscribed {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.at_most
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::from_level(self.at_most))
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut state = self.state();
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let inside = match span.parent() {
            Some(parent) => Some(Self::place(parent)),
            None if span.is_root() => None,
            None => state.entered.last().copied(),
        };
        let (name, level) = (span.metadata().name().to_owned(), *span.metadata().level());
        state.told.push(Told { name, level, fields, inside, over: false, is_event: false, handles: 1 });
        Id::from_u64(state.told.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.state().told[Self::place(span)].fields));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        let follows = Self::place(follows).to_string();
        self.state().told[Self::place(span)].fields.insert("follows".to_owned(), follows);
    }

    fn event(&self, event: &Event<'_>) {
        let mut state = self.state();
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let inside = event.parent().map(Self::place).or_else(|| state.entered.last().copied());
        let (name, level) = (event.metadata().target().to_owned(), *event.metadata().level());
        state.told.push(Told { name, level, fields, inside, over: true, is_event: true, handles: 0 });
    }

    fn enter(&self, span: &Id) {
        self.state().entered.push(Self::place(span));
    }

    fn exit(&self, span: &Id) {
        let left = self.state().entered.pop();
        assert_eq!(left, Some(Self::place(span)), "left in another order");
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.state().told[Self::place(span)].handles += 1;
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let told = &mut self.state().told[Self::place(&span)];
        told.handles -= 1;
        told.over = told.handles == 0;
        told.over
    }
}
