//! Arguments, locals and types that are named as the expansion's own, and a shadowed prelude.

#![deny(warnings)]
#![allow(dead_code, unused_imports)]

use cached_runtime::{Cache, cached};

mod shadows {
    pub struct Option;
    pub struct Result;
    pub struct Box;
    pub struct String;
    pub struct Duration;
    pub fn typed() {}
    pub fn open() {}
    pub fn part() {}
}

use shadows::*;

#[derive(Clone, Copy, PartialEq)]
enum Own {
    Some,
    None,
    Ok,
    Err,
}

use Own::*;

#[cached(key = "a:<__key>:<__call>:<__slot>:<__out>:<__value>:<__body>", ttl = |_| 60_u64, unless = |_| false)]
async fn locals(__key: u8, __call: u8, __slot: u8, __out: u8, __value: u8, __body: u8) -> u8 {
    let (some, none, ok, err) = (Some, None, Ok, Err);
    assert!(some != none && ok != err);
    __key + __call + __slot + __out + __value + __body
}

#[cached(key = "b:<__key>:<__slot>", ttl = 60)]
fn blocking(__key: u8, __slot: u8) -> u8 {
    __key + __slot
}

#[cached(key = "c:<__key>:<__call>:<__body>", ttl = 60)]
fn returned(__key: u8, __call: u8, __body: u8) -> impl Future<Output = u8> {
    async move { __key + __call + __body }
}

#[cached(key = "items:<id>", ttl = 60)]
async fn items(id: u8) -> u8 {
    use inner::*;
    mod inner {
        pub fn hit() -> u8 {
            1
        }
    }
    #[cached_runtime::cached(key = "nested:<id>", ttl = 60)]
    async fn nested(id: u8) -> u8 {
        id + hit()
    }
    nested(id).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(locals(1, 2, 3, 4, 5, 6).await, 21);
        assert_eq!(blocking(1, 2), 3);
        assert_eq!(returned(1, 2, 3).await, 6);
        assert_eq!(items(1).await, 2);
    }
}
