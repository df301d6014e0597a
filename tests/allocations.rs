//! What a local hit allocates: nothing but the clone of the value, and of a pointer nothing at all.

use std::sync::Arc;

use cached_runtime::{Cache, cached};
use futures_util::FutureExt;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    name: String,
    roles: Vec<u8>,
}

fn user(name: &str) -> User {
    User { name: name.to_owned(), roles: vec![1, 2, 3] }
}

#[cached(key = "shared:<name>:<id>", ttl = 60, local)]
async fn shared(name: &str, id: u64) -> Result<Option<Arc<User>>, String> {
    Ok((id > 0).then(|| Arc::new(user(name))))
}

#[cached(key = "shared:<name>:<id>", ttl = 60, local, when = id > 0)]
async fn shared_on_condition(name: &str, id: u64) -> Result<Option<Arc<User>>, String> {
    Ok(Some(Arc::new(user(name))))
}

#[cached(key = "value:<name>", ttl = 60, local)]
async fn value(name: &str) -> Option<User> {
    Some(user(name))
}

#[cached(key = "blocking:<name>", ttl = 60, local)]
fn blocking(name: &str) -> Arc<User> {
    Arc::new(user(name))
}

/// How often anything is allocated in a thousand calls.
fn allocations<T>(call: impl Fn() -> T) -> u64 {
    allocation_counter::measure(|| (0..1_000).for_each(|_| drop(call()))).count_total
}

#[tokio::test]
async fn a_local_hit_allocates_what_the_clone_of_its_value_does_and_of_a_pointer_nothing() {
    let cache = Cache::in_memory();
    cache.install();
    // A load, a hit that is kept, and the first local hit, which makes room for the counters.
    for _ in 0..3 {
        shared("ada", 7).await.unwrap();
        shared_on_condition("ada", 7).await.unwrap();
        value("ada").await;
        blocking("ada");
    }
    let before = cache.stats().total().hits_local;
    let now = |call: &dyn Fn()| allocations(call);
    assert_eq!(now(&|| drop(shared("ada", 7).now_or_never().expect("at once"))), 0);
    assert_eq!(now(&|| drop(shared_on_condition("ada", 7).now_or_never().expect("at once"))), 0);
    assert_eq!(now(&|| drop(blocking("ada"))), 0);
    let ada = user("ada");
    assert_eq!(now(&|| drop(value("ada").now_or_never().expect("at once"))), now(&|| drop(ada.clone())));
    let long = "x".repeat(100);
    shared(&long, 7).await.unwrap();
    shared(&long, 7).await.unwrap();
    assert!(now(&|| drop(shared(&long, 7).now_or_never().expect("at once"))) > 0, "this test cannot fail");
    assert_eq!(cache.stats().total().hits_local - before, 5_000);
}
