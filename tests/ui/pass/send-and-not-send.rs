//! A future is `Send` if the body is; a body that is not compiles too. Errors need not be `Send`.

#![deny(warnings)]

use std::rc::Rc;

use cached_runtime::{Cache, cached};

#[cached(key = "send:<id>", ttl = 60)]
async fn send(id: u32) -> Result<u32, String> {
    tokio::task::yield_now().await;
    Ok(id)
}

#[cached(key = "local:<id>", ttl = 60)]
async fn local(id: u32) -> Result<u32, Rc<str>> {
    let shared = Rc::new(id);
    tokio::task::yield_now().await;
    Ok(*shared)
}

// Not `Send`, and never held across an await.
#[cached(key = "error:<id>", ttl = 60)]
async fn error(id: u32) -> Result<u32, Rc<str>> {
    tokio::task::yield_now().await;
    if id == 0 { Err("zero".into()) } else { Ok(id) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(tokio::spawn(send(1)).await.unwrap(), Ok(1));
        assert_eq!(local(2).await, Ok(2));
        assert_eq!(tokio::spawn(async { error(3).await.ok() }).await.unwrap(), Some(3));
    }
}
