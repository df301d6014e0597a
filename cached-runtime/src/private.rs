//! Exactly what expansions name, and nothing else. No promise of stability.

pub use core::concat;
pub use core::file;
pub use core::line;
pub use core::module_path;
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use core::time::Duration;
pub use std::boxed::Box;
pub use std::string::String;

#[cfg(feature = "macros")]
pub use cached_macros::key_impl;

pub use crate::__describe as describe;
pub use crate::__local as local_tier;
pub use crate::__reason as reason;
pub use crate::__shape as shape;
pub use crate::batch::{Batch, open_batch, open_batch_blocking};
pub use crate::behind::{
    Along, Behind, ByDisplay, ByTypeName, Drain, WriteBehind, along, behind, kept, refusing, taken, told,
};
pub use crate::call::Call;
pub use crate::each::{again, each, each_by, key_of_each};
pub use crate::gathered::gathering;
pub use crate::key::{
    CacheKey, Key, KeyOf, KeyPart, KeyWriter, ToKey, any_key, hashed, key_of, key_of_value, part, template,
};
pub use crate::local::{ByCloning, ByPointer, local, value_of};
pub use crate::lookup::{open, open_blocking};
pub use crate::policy::Policy;
pub use crate::queue::{Accepted, Batch as QueueBatch, Body, Failed, Item, Queue, QueueCounts, Taken, Through, Worker};
pub use crate::returned::{
    ByDescription, ByMaybe, ByMaybeResult, ByName, ByOwn, ByResult, BySharing, ByValue, Returned, stored,
};
pub use crate::schema::{CacheSchema, Describe, SchemaWriter};
pub use crate::site::Site;
pub use crate::spawned::{in_background, in_background_blocking};
pub use crate::store::queues::Id as QueueId;
pub use crate::typed::{remembering, typed};
pub use crate::write::Write;
pub use crate::writing::{begin, begin_blocking};
pub use crate::written::{writing, writing_through};
