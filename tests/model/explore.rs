//! The whole space, breadth first, by stateright.

use std::time::Instant;

use stateright::{Checker, Model, Property};

use crate::mutation::Mutation;
use crate::promise::Promise;
use crate::setting::{Rules, Setting};
use crate::step::Step;
use crate::turn::Turn;
use crate::world::{Entry, World};

impl Model for Rules {
    /// On the heap, since the checker moves it about a good deal.
    type State = Box<World>;
    type Action = Step;

    fn init_states(&self) -> Vec<Box<World>> {
        World::beginnings(self).into_iter().map(Box::new).collect()
    }

    fn actions(&self, world: &Box<World>, steps: &mut Vec<Step>) {
        Turn::of(self, world).steps(steps);
    }

    fn next_state(&self, world: &Box<World>, step: Step) -> Option<Box<World>> {
        Some(Box::new(Turn::taken(self, world, step)))
    }

    /// One property and one thread: then the first counterexample is the shortest, and always the same one.
    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::<Self>::always(PROMISES, |_, world| world.broken.is_none())]
    }
}

const PROMISES: &str = "every promise is kept";

/// The shortest way to a broken promise.
#[derive(Debug)]
pub struct Counterexample {
    pub promise: Promise,
    pub steps: Vec<String>,
}

/// Goes everywhere, or to the first broken promise. With the number of states.
pub fn explore(name: &str, setting: Setting, mutation: Option<Mutation>) -> (usize, Option<Counterexample>) {
    let rules = Rules { setting, mutation };
    let began = Instant::now();
    let checker = rules.checker().threads(1).spawn_bfs().join();
    let states = checker.unique_state_count();
    let counterexample = checker.discovery(PROMISES).map(|path| {
        let path = path.into_vec();
        let first = path.first().map(|(world, _)| at_first(world));
        let told = path.iter().filter_map(|(world, step)| Some(Turn::told(&rules, world, (*step)?)));
        let promise = path.last().and_then(|(world, _)| world.broken).expect("the last state breaks a promise");
        Counterexample { promise, steps: first.flatten().into_iter().chain(told).collect() }
    });
    println!("{name}: {states} states in {:.1?}", began.elapsed());
    if let Some(counterexample) = &counterexample {
        println!("{counterexample:#?}");
    }
    (states, counterexample)
}

fn at_first(world: &World) -> Option<String> {
    match world.key {
        Entry::Value(value) => {
            let epoch = if world.epoch.is_some() { ", and process 0 relies on its epoch" } else { "" };
            Some(format!("at first the key holds v{}{epoch}", value.version))
        }
        _ => None,
    }
}
