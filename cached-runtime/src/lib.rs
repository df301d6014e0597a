//! Annotate a data-access function and it becomes a cache-aside read over Redis or memory: same signature, same call
//! sites, same errors.
//!
//! ```
//! use cached_runtime::{Cache, cached};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct User {
//!     id: i64,
//!     name: String,
//! }
//!
//! struct Users;
//!
//! impl Users {
//!     #[cached(key = "user:<id>", ttl = 3600, mutex)]
//!     async fn find_user(&self, id: i64) -> Result<Option<User>, std::io::Error> {
//!         Ok(Some(User { id, name: "from the database".to_owned() }))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! Cache::in_memory().install(); // or Cache::builder().redis("redis://127.0.0.1/").prefix("shop").build()?.install()
//! let user = Users.find_user(42).await?; // loads and stores
//! assert_eq!(Users.find_user(42).await?, user); // a hit
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! * `lookup` and `slot`: the protocol, from the `call` to the load and from the load to the fill; `typed` is the shim
//!   that encodes and decodes.
//! * `write`, `invalidate`, `transaction`: the protocol of those who write, with `undelivered` for what the store did not
//!   acknowledge; `written` is the shim. `batch`, `gather`, `gathered`: many keys of one call.
//! * `queue`: writes that happen later, and the worker that does them; `behind` is the shim.
//! * `stamp`: what lets one deletion invalidate a tag, or everything.
//! * `lease`, `token`, `entry`: the right to fill a key, what names it, and what a key's bytes mean.
//! * `fallback`, `outage`: loads while the store is away, bounded, and perhaps kept for a moment.
//! * `flight`, `chain`: one load per key and process, who may share it, and who must not wait for it.
//! * `tier`: decoded values in this process; `local` is the shim, `clock` its clock, `tally` what counts its hits.
//! * `store`: the trait, with `memory` and `redis` (connection, scripts, wake-up) below it.
//! * `key`, `canonical`, `codec`: arguments to keys, values to bytes. `encoding`, `packing`, `form`, `schema`: which build's
//!   bytes. `returned`, `outcome`, `presence`: return types to shapes.
//! * `cache`, `builder`, `scope`, `policy`, `stats`, `inventory`, `error`: what users call; `read_through`: the cache that
//!   owns its loader. `answer`, `latency`, `tally`: what is counted.
//! * `export`: the figures through the `metrics` facade. `event`: what is logged; `trace`: the spans.
//! * `background`: a runtime for callers that have none.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "inspect")]
#[doc(hidden)]
#[path = "inspect.rs"]
pub mod __inspect;
mod adoption;
mod answer;
mod background;
mod batch;
mod behind;
mod builder;
mod cache;
#[cfg(feature = "sqlx")]
mod cache_tx;
mod call;
mod canonical;
mod chain;
mod clock;
mod codec;
mod crowd;
mod each;
mod encoding;
mod entry;
mod error;
mod event;
#[cfg(feature = "metrics")]
mod export;
#[cfg(not(feature = "metrics"))]
#[path = "export/off.rs"]
mod export;
mod fallback;
mod flight;
mod form;
mod freshness;
mod gather;
mod gathered;
mod health;
#[cfg(feature = "testing")]
mod held;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod hostile;
mod invalidate;
mod inventory;
mod key;
mod latency;
mod lease;
mod local;
mod lookup;
mod marker;
mod operation;
mod outage;
mod outcome;
mod packing;
mod pages;
mod policy;
mod presence;
mod queue;
mod read_through;
mod refresh;
mod returned;
mod schema;
mod scope;
mod setting;
mod site;
mod slot;
mod spawned;
mod stamp;
mod stamping;
mod stats;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod store;
#[cfg(not(feature = "testing"))]
mod store;
mod tally;
mod ticks;
mod tier;
mod token;
mod trace;
mod transaction;
mod typed;
mod undelivered;
mod used;
mod write;
mod writing;
mod written;

/// The README's code is compiled with the documentation's.
#[cfg(all(doctest, feature = "macros", feature = "redis"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// And so is the guide's.
#[cfg(all(doctest, feature = "macros", feature = "redis", feature = "memory", feature = "sqlx"))]
pub mod guide;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "macros")]
pub use cached_macros::{CacheKey, CacheSchema, KeyPart, cached, invalidate, write_behind, write_through};

#[cfg(feature = "testing")]
#[doc(hidden)]
pub use adoption::Adoption;
pub use behind::{QueueStats, Worker, WriteBehind, WriteId, write_ids};
pub use builder::Builder;
pub use cache::Cache;
#[cfg(feature = "sqlx")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlx")))]
pub use cache_tx::CacheTx;
pub use codec::{CacheValue, Codec};
pub use error::Error;
pub use health::{Closed, Health};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use held::Held;
pub use inventory::Annotated;
pub use key::{CacheKey, Key, KeyOf, KeyPart, KeyWriter, ToKey};
pub use latency::Latency;
pub use packing::Compression;
pub use policy::{IntoPolicy, IntoTtl, Policy};
pub use read_through::{LoadKey, ReadThrough, Warmed};
pub use schema::{CacheSchema, SchemaWriter};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use stamping::Stamping;
pub use stats::{FunctionStats, QueueLength, Requests, Stats};
pub use transaction::Transaction;

/// A [`Key`] from a template, as in `#[cached(key = "...")]`, with the names in scope.
///
/// ```
/// use cached_runtime::key;
///
/// let (org, id) = ("acme", 42);
/// assert_eq!(key!("org:<org>:user:<id>").as_str(), "org:acme:user:42");
/// ```
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! key {
    ($($template:tt)*) => {
        $crate::__private::key_impl!($crate, $($template)*)
    };
}
