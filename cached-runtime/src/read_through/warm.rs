//! Loading ahead of the calls.

use super::abreast::Abreast;
use super::loader::Loader;
use super::progress::Progress;
use super::{LoadKey, ReadThrough};

/// How many keys one call of a loader for many is asked for.
const PIECE: usize = 100;

/// What [`ReadThrough::warm`] found and did, in keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warmed {
    /// Loaded now.
    pub loaded: u64,
    /// There already, or loaded by somebody else meanwhile.
    pub cached: u64,
    /// Loaded in vain: there is no such value.
    pub absent: u64,
    /// Not asked for, since the cache could not have kept them: it is disabled, or away.
    pub skipped: u64,
}

impl Warmed {
    pub(super) fn total(&self) -> u64 {
        self.loaded + self.cached + self.absent + self.skipped
    }

    fn add(&mut self, other: Self) {
        self.loaded += other.loaded;
        self.cached += other.cached;
        self.absent += other.absent;
        self.skipped += other.skipped;
    }
}

impl<K: LoadKey, E: Send + 'static> ReadThrough<K, E> {
    /// Loads what is not there yet, [so many](Self::at_once) loads at a time: by a loader for many, a hundred keys each.
    /// Where standard error is a terminal, a line there says how far it is; elsewhere nothing is written.
    ///
    /// It can be stopped at any time, by dropping the future too: what was loaded stays, and another call goes on where
    /// this one ended, for what is there already is not loaded again.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cached_runtime::{Cache, CacheKey, ReadThrough};
    /// # #[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
    /// # #[cache_key("square:<number>", value = u64)]
    /// # struct Square {
    /// #     number: u64,
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::io::Error> {
    /// # let cache = Cache::in_memory();
    /// let squares = ReadThrough::new(&cache, Duration::from_secs(60), |key: Square| async move {
    ///     Ok::<_, std::io::Error>(Some(key.number.pow(2)))
    /// });
    /// let warmed = squares.warm((1..=1000).map(|number| Square { number })).await?;
    /// assert_eq!(warmed.loaded, 1000);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The loader's first one. Nothing is begun after it, and what had been begun ends first.
    pub async fn warm<I>(&self, ids: I) -> Result<Warmed, E>
    where
        I: IntoIterator<Item: Into<K>, IntoIter: Send>,
    {
        let mut ids = ids.into_iter();
        let mut progress = Progress::on_terminal(K::TEMPLATE, ids.size_hint());
        let mut warmed = Warmed::default();
        let mut failed = None;
        let mut running = Abreast::new();
        let size = match self.loader {
            Loader::One(_) => 1,
            Loader::Many(_) => PIECE,
        };
        loop {
            running.fill_up(self.at_once, || {
                while failed.is_none() {
                    let piece: Vec<K> = ids.by_ref().take(size).map(Into::into).collect();
                    if piece.is_empty() {
                        return None;
                    }
                    if self.cache.keeps() {
                        return Some(self.piece(piece));
                    }
                    warmed.skipped += piece.len() as u64;
                }
                None
            });
            match running.next().await {
                Some(Ok(piece)) => warmed.add(piece),
                Some(Err(error)) => failed = failed.or(Some(error)),
                None => break,
            }
            progress.show(&warmed);
        }
        progress.end(&warmed);
        failed.map_or(Ok(warmed), Err)
    }

    async fn piece(&self, keys: Vec<K>) -> Result<Warmed, E> {
        let asked = keys.len() as u64;
        let mut warmed = Warmed::default();
        match &self.loader {
            Loader::One(_) => {
                for key in keys {
                    let one = self.one(key).await;
                    match one.out? {
                        _ if !one.loaded => {}
                        Some(_) => warmed.loaded += 1,
                        None => warmed.absent += 1,
                    }
                }
            }
            Loader::Many(load) => {
                let many = self.many(&**load, keys).await?;
                warmed.loaded = many.loaded as u64;
                warmed.absent = many.absent as u64;
            }
        }
        warmed.cached = asked - warmed.loaded - warmed.absent;
        Ok(warmed)
    }
}
