//! The same day for every step: what ten processes ask, and how often the database is read for it.

use std::error::Error;

use cached_runtime::Cache;
use futures_util::future::join_all;

use crate::database::{Database, Product, Result};

pub const SELLER: i64 = 7;

/// What a step is, for the day.
pub trait Catalogue: Sized {
    fn over(database: Database) -> Self;
    fn database(&self) -> &Database;
    async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>>;
    async fn front_page(&self, seller: i64, ids: &[i64]) -> Result<usize>;
    async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product>;
    async fn discount(&self, seller: i64) -> Result<()>;
}

/// The trait for a `Catalogue` of this module. Its front page finds products `one_by_one` or `at_once`.
#[macro_export]
macro_rules! catalogue {
    (one_by_one) => {
        impl Catalogue {
            async fn find_all(&self, seller: i64, ids: &[i64]) -> Result<usize> {
                let mut found = 0;
                for id in ids {
                    found += usize::from(self.find(seller, *id).await?.is_some());
                }
                Ok(found)
            }
        }
        $crate::catalogue!(by find_all);
    };
    (at_once) => {
        impl Catalogue {
            async fn find_all(&self, seller: i64, ids: &[i64]) -> Result<usize> {
                Ok(self.find_many(seller, ids).await?.len())
            }
        }
        $crate::catalogue!(by find_all);
    };
    (by $find_all:ident) => {
        impl $crate::day::Catalogue for Catalogue {
            fn over(database: Database) -> Self {
                Self { database }
            }

            fn database(&self) -> &Database {
                &self.database
            }

            async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
                self.find(seller, id).await
            }

            async fn front_page(&self, seller: i64, ids: &[i64]) -> Result<usize> {
                self.$find_all(seller, ids).await
            }

            async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product> {
                self.reprice(seller, id, cents).await
            }

            async fn discount(&self, seller: i64) -> Result<()> {
                self.discount(seller).await
            }
        }
    };
}

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    pub reads: u64,
    /// Answers that were not what the database said by then.
    pub old: u64,
}

struct Shop<C> {
    catalogue: C,
    /// One for each process.
    caches: Vec<Cache>,
    old: u64,
}

/// `cold` is how many queries it takes when every process asks for one product that none has.
pub async fn day<C: Catalogue>(caches: Vec<Cache>, cold: usize) -> std::result::Result<Day, Box<dyn Error>> {
    let mut shop = Shop { catalogue: C::over(Database::new().await?), caches, old: 0 };
    shop.rush(cold).await?;
    for round in 0..20 {
        for id in 1..=10 {
            shop.ask(round % 2, id).await?;
        }
    }
    for round in 0..20 {
        shop.ask(round % 2, 404).await?;
    }
    let ids: Vec<i64> = (1..=20).collect();
    for round in 0..5 {
        let page = shop.catalogue.front_page(SELLER, &ids);
        if shop.caches[round % 2].scope(page).await? != ids.len() {
            return Err("the front page lacks a product".into());
        }
    }
    for id in 1..=5 {
        shop.caches[0].scope(shop.catalogue.reprice(SELLER, id, 500 + id)).await?;
        shop.ask(0, id).await?;
        shop.ask(1, id).await?;
    }
    shop.caches[0].scope(shop.catalogue.discount(SELLER)).await?;
    for id in 1..=10 {
        shop.ask(1, id).await?;
    }
    Ok(Day { reads: shop.catalogue.database().reads(), old: shop.old })
}

impl<C: Catalogue> Shop<C> {
    /// Every process wants the same product, at the same time.
    async fn rush(&mut self, cold: usize) -> Result<()> {
        self.catalogue.database().slow_until(cold);
        let found = join_all(self.caches.iter().map(|cache| cache.scope(self.catalogue.find(SELLER, 1)))).await;
        self.catalogue.database().fast();
        found.into_iter().try_for_each(|found| found.map(drop))
    }

    async fn ask(&mut self, process: usize, id: i64) -> Result<()> {
        let found = self.caches[process].scope(self.catalogue.find(SELLER, id)).await?;
        let now = self.catalogue.database().row(SELLER, id).await?;
        self.old += u64::from(found != now);
        Ok(())
    }
}
