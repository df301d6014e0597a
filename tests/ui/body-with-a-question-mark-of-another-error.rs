//! `?` converts into the function's own error, or says that it cannot.

use cached_runtime::cached;

#[derive(Debug)]
struct Error;

#[cached(key = "number:<text>", ttl = 60)]
async fn number(text: &str) -> Result<u8, Error> {
    Ok(text.parse::<u8>()?)
}

fn main() {}
