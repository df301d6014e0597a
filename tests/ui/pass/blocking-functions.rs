//! Blocking `fn`: in plain threads, on a runtime's thread, with borrowed and mutable arguments, `?` and early returns.

#![deny(warnings)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[derive(Default)]
struct Connection {
    queries: usize,
}

type QueryResult<T> = Result<T, std::num::ParseIntError>;

#[cached(key = "number:<text>", ttl = 60, skip(connection))]
fn number(connection: &mut Connection, text: &str) -> QueryResult<u32> {
    connection.queries += 1;
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.parse()?;
    Ok(number)
}

#[cached(key = "moved:<name>", ttl = 60)]
fn moved(name: String) -> Option<String> {
    LOADS.fetch_add(1, Relaxed);
    Some(name)
}

#[cached(key = "todo", ttl = 60)]
fn unfinished() -> u32 {
    panic!("half written")
}

fn main() {
    Cache::in_memory().install();
    let mut connection = Connection::default();
    for _ in 0..2 {
        assert_eq!(number(&mut connection, "12").unwrap(), 12);
        assert_eq!(number(&mut connection, "").unwrap(), 0);
    }
    assert_eq!(connection.queries, 2);
    assert!(number(&mut connection, "x").is_err());

    for _ in 0..2 {
        assert_eq!(moved("a".into()).unwrap(), "a");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            assert_eq!(moved("a".into()).unwrap(), "a");
        }
    });
    assert_eq!(LOADS.load(Relaxed), 1);
    let _function: fn() -> u32 = unfinished;
}
