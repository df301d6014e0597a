//! One step being taken, and told.

use crate::mutation::Mutation;
use crate::name::Sort;
use crate::promise::{self, Promise};
use crate::setting::Rules;
use crate::step::Step;
use crate::world::{Stamps, Value, Version, World};

pub struct Turn<'r> {
    pub world: World,
    pub rules: &'r Rules,
    /// What happened, in words; `None` where nobody reads them.
    tale: Option<String>,
}

impl<'r> Turn<'r> {
    pub fn of(rules: &'r Rules, world: &World) -> Self {
        Self { world: *world, rules, tale: None }
    }

    /// The world after the step.
    pub fn taken(rules: &'r Rules, world: &World, step: Step) -> World {
        let mut turn = Self::of(rules, world);
        turn.take(step);
        turn.world
    }

    /// The step in words.
    pub fn told(rules: &'r Rules, world: &World, step: Step) -> String {
        let mut turn = Self { tale: Some(String::new()), ..Self::of(rules, world) };
        turn.take(step);
        turn.tale.unwrap_or_default()
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Reader(reader, act) => self.read(reader, act),
            Step::Writer(writer, deed) => self.write(writer, deed),
            Step::Mishap(mishap) => self.suffer(mishap),
        }
        self.world.forget();
        self.world.rename(self.rules);
        if self.world.broken.is_none() {
            self.world.broken = promise::broken(self.rules, &self.world);
        }
    }

    /// Appends to what is told of this step.
    pub fn tell(&mut self, words: impl FnOnce() -> String) {
        if let Some(tale) = &mut self.tale {
            if !tale.is_empty() {
                tale.push_str(", ");
            }
            tale.push_str(&words());
        }
    }

    pub fn without(&self, mutation: Mutation) -> bool {
        self.rules.without(mutation)
    }

    /// A value with a name of its own.
    pub fn value(&self, version: Version, stamps: Stamps) -> Value {
        Value { version, fill: self.world.fresh(Sort::Fill), stamps }
    }

    /// Somebody who called when `floor` was the newest completed invalidation gets this version.
    pub fn returned(&mut self, version: Version, floor: Version) {
        if version < floor {
            self.world.broken = Some(Promise::NoStaleRead);
        }
    }

    /// From now on nobody who comes may get anything older.
    pub fn completed(&mut self, version: Version) {
        self.world.floor = self.world.floor.max(version);
    }
}
