//! One catalogue, from no cache to all that helps it. What changes from step to step is an attribute.

use std::collections::HashMap;

use cached_runtime::{cached, invalidate, write_through};

use crate::catalogue;
use crate::database::{Database, Product, Result};

/// Step 0: every call asks the database.
pub mod no_cache {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        async fn reprice(&self, _seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 1: a product that was read is there for the next ten minutes.
pub mod with_cached {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", ttl = 600)]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        async fn reprice(&self, _seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 2: one load in all processes.
pub mod with_mutex {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", ttl = 600, mutex)]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        async fn reprice(&self, _seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 3: that there is no such product is remembered, too.
pub mod with_none_ttl {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", ttl = 600, mutex, none_ttl = "30s")]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        async fn reprice(&self, _seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 4: a new price is seen by everybody.
pub mod with_invalidate {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", ttl = 600, mutex, none_ttl = "30s")]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        #[invalidate(key = "product:<seller>:<id>")]
        async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 5: and so are many new prices at once.
pub mod with_tag {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600, mutex, none_ttl = "30s")]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        #[invalidate(key = "product:<seller>:<id>")]
        async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        #[invalidate(tag = "seller:<seller>")]
        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 6: what was written need not be read.
pub mod with_write_through {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600, mutex, none_ttl = "30s")]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        #[write_through(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600)]
        async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        #[invalidate(tag = "seller:<seller>")]
        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(one_by_one);
}

/// Step 7: many products are one query.
pub mod with_each {
    use super::*;

    pub struct Catalogue {
        database: Database,
    }

    impl Catalogue {
        #[cached(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600, mutex, none_ttl = "30s")]
        async fn find(&self, seller: i64, id: i64) -> Result<Option<Product>> {
            self.database.product(seller, id).await
        }

        #[cached(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600, mutex, each = id in ids)]
        async fn find_many(&self, seller: i64, ids: &[i64]) -> Result<HashMap<i64, Product>> {
            let products = self.database.products(seller, ids).await?;
            Ok(products.into_iter().map(|product| (product.id, product)).collect())
        }

        #[write_through(key = "product:<seller>:<id>", tag = "seller:<seller>", ttl = 600)]
        async fn reprice(&self, seller: i64, id: i64, cents: i64) -> Result<Product> {
            self.database.reprice(id, cents).await
        }

        #[invalidate(tag = "seller:<seller>")]
        async fn discount(&self, seller: i64) -> Result<()> {
            self.database.discount(seller).await
        }
    }

    catalogue!(at_once);
}
