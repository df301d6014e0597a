//! A method that is only declared has nothing to run.

use cached_runtime::invalidate;

trait Users {
    #[invalidate(key = "user:<id>")]
    fn rename(&self, id: i64);
}

fn main() {}
