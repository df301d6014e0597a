//! A store that fails between the lookup and the fill never loses the value that was loaded.

use std::time::{Duration, Instant};

use cached_runtime::key;
use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, SLACK, Service};
use crate::support::{Count, Redis, eventually};

/// Starts a load with a waiter that came before it, runs `fault` while it is under way, and says what both got.
async fn both_get_the_value(redis: &mut Redis, fault: impl FnOnce(&mut Redis)) {
    for mutex in [false, true] {
        let service = Service::over(redis.cache());
        service.until_hit("warm").await;
    }
}
