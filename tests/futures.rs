//! What annotating a function does to its future: nothing that compiled stops compiling, and it stays small.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use cached_runtime::{Cache, cached};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
}

fn is_send<T: Send>(future: T) -> T {
    future
}

#[cached(key = "boxed_error:<id>", ttl = 60, mutex)]
async fn with_an_error_that_is_not_send(id: i64) -> Result<User, Box<dyn std::error::Error>> {
    if id < 0 {
        return Err("negative".into());
    }
    Ok(User { id })
}

#[cached(key = "rc_error:<id>", ttl = |user| user.id.unsigned_abs(), unless = |user| user.id == 3)]
async fn with_an_rc_error(id: i64) -> Result<User, Rc<str>> {
    Ok(User { id })
}

#[cached(key = "cell:<cell.get()>", ttl = 60)]
async fn with_an_argument_that_is_not_sync(cell: Cell<i64>) -> Option<User> {
    cell.set(cell.get() + 1);
    Some(User { id: cell.get() })
}

#[cached(key = "batch:<id>", ttl = |user| user.id.unsigned_abs(), each = id in ids, skip(cell))]
async fn batch_with_an_error_that_is_not_send(
    cell: Cell<i64>,
    ids: Vec<i64>,
) -> Result<HashMap<i64, User>, Box<dyn std::error::Error>> {
    tokio::task::yield_now().await;
    cell.set(cell.get() + 1);
    if ids.contains(&-1) {
        return Err("negative".into());
    }
    Ok(ids.into_iter().map(|id| (id, User { id: id + cell.get() })).collect())
}

#[tokio::test]
async fn a_future_that_was_send_is_send() {
    let cache = Cache::in_memory();
    is_send(cache.scope(async {
        assert_eq!(with_an_error_that_is_not_send(1).await.map_err(drop), Ok(User { id: 1 }));
        assert!(with_an_error_that_is_not_send(-1).await.is_err());
        assert_eq!(with_an_rc_error(2).await.map_err(drop), Ok(User { id: 2 }));
        assert_eq!(with_an_argument_that_is_not_sync(Cell::new(3)).await, Some(User { id: 4 }));
        let batch = batch_with_an_error_that_is_not_send(Cell::new(3), vec![5, 6]).await;
        assert_eq!(batch.unwrap(), HashMap::from([(5, User { id: 9 }), (6, User { id: 10 })]));
        assert!(batch_with_an_error_that_is_not_send(Cell::new(3), vec![5, -1]).await.is_err());
    }))
    .await;
}

#[cached(key = "local:<id>", ttl = 60)]
async fn with_a_body_that_is_not_send(id: i64) -> User {
    let shared = Rc::new(id);
    tokio::task::yield_now().await;
    User { id: *shared }
}

#[tokio::test]
async fn a_body_that_is_not_send_runs_on_its_own_thread() {
    let cache = Cache::in_memory();
    assert_eq!(cache.scope(with_a_body_that_is_not_send(1)).await, User { id: 1 });
}

#[cached(key = "fib:<n>", ttl = 60, mutex)]
async fn fib(n: u64) -> u64 {
    if n < 2 { n } else { Box::pin(fib(n - 1)).await + Box::pin(fib(n - 2)).await }
}

#[tokio::test]
async fn recursion_shares_what_the_inner_calls_stored() {
    let cache = Cache::in_memory();
    assert_eq!(cache.scope(fib(30)).await, 832_040);
    assert_eq!(cache.stats().total().loads, 31);
}

#[cached(key = "generic:<id>", ttl = 60)]
async fn generic<T: Serialize + DeserializeOwned + Send + From<i64>, E>(id: i64) -> Result<Option<T>, E> {
    Ok(Some(T::from(id)))
}

#[tokio::test]
async fn a_generic_function_needs_no_bound_that_it_did_not_have() {
    let cache = Cache::in_memory();
    let value = cache.scope(generic::<i64, Rc<()>>(5)).await;
    assert_eq!(value, Ok(Some(5)));
}

mod plain {
    use super::User;

    pub async fn find(id: i64) -> Result<Option<User>, std::io::Error> {
        tokio::task::yield_now().await;
        Ok(Some(User { id }))
    }

    pub async fn with_a_large_argument(id: i64, page: [u8; 512]) -> Result<Option<User>, std::io::Error> {
        tokio::task::yield_now().await;
        Ok(Some(User { id: id + i64::from(page[0]) }))
    }
}

#[cached(key = "find:<id>", ttl = 60, mutex)]
async fn find(id: i64) -> Result<Option<User>, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(Some(User { id }))
}

#[cached(key = "large:<id>", ttl = 60, mutex, skip(page))]
async fn with_a_large_argument(id: i64, page: [u8; 512]) -> Result<Option<User>, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(Some(User { id: id + i64::from(page[0]) }))
}

#[test]
fn a_cached_future_is_the_bodys_and_a_little_more() {
    let added = |cached: usize, plain: usize| cached - plain;
    let small = added(size_of_val(&find(1)), size_of_val(&plain::find(1)));
    // The moved argument stands in the caller's frame and in the body's.
    let large = added(
        size_of_val(&with_a_large_argument(1, [0; 512])),
        size_of_val(&plain::with_a_large_argument(1, [0; 512])) + 512,
    );
    assert!(small <= 250, "{small} bytes more");
    assert!(large <= 250, "{large} bytes more");
}
