//! A word that is no option of a writer lists those that are.

use cached_runtime::invalidate;

#[invalidate(key = "user:<id>", expire = 60, all_entries)]
async fn rename(id: i64) -> Result<String, String> {
    Err(id.to_string())
}

fn main() {}
