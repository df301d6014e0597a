//! Functions that a `macro_rules!` writes: with names from the macro, from its caller, and options passed through.

#![deny(warnings)]

use cached_runtime::{Cache, cached, key};

mod exported {
    pub use cached_runtime::*;
}

macro_rules! reader {
    ($name:ident, $key:literal, $ttl:expr, $arg:ident: $ty:ty => $body:expr) => {
        #[cached(key = $key, ttl = $ttl, crate = $crate::exported)]
        async fn $name($arg: $ty, own: u8) -> Result<$ty, String> {
            Ok($body + <$ty>::from(own))
        }
    };
    (fixed $name:ident) => {
        #[cached(key = "fixed:<id>", ttl = 60)]
        async fn $name(id: u32) -> u32 {
            id + 1
        }
    };
}

reader!(find, "find:<id>:<own>", 60, id: u32 => id * 2);
reader!(fixed fixed);

macro_rules! user_key {
    () => {{
        let id = 5;
        key!("user:<id>")
    }};
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(find(2, 1).await, Ok(5));
        assert_eq!(fixed(2).await, 3);
    }
    assert_eq!(user_key!().as_str(), "user:5");
}
