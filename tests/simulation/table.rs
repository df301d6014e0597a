//! The database: a counter per key. Reading and committing take their time, on the paused clock.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::time::sleep;

use crate::history::dice::Dice;
use crate::history::rows::Database;

pub struct Table(Mutex<State>);

struct State {
    versions: [u64; 8],
    dice: Dice,
}

impl Table {
    pub fn new(dice: Dice) -> Self {
        Self(Mutex::new(State { versions: [0; 8], dice }))
    }

    fn with<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        step(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn travel(&self) {
        let time = self.with(|state| state.dice.once_in(4).then(|| state.dice.millis(0, 3)));
        if let Some(time) = time {
            sleep(time).await;
        }
    }
}

#[async_trait]
impl Database for Table {
    async fn version(&self, key: u8) -> u64 {
        self.travel().await;
        let version = self.with(|state| state.versions[usize::from(key)]);
        self.travel().await;
        version
    }

    async fn commit(&self, key: u8) -> u64 {
        self.travel().await;
        let version = self.with(|state| {
            let version = &mut state.versions[usize::from(key)];
            *version += 1;
            *version
        });
        self.travel().await;
        version
    }
}
