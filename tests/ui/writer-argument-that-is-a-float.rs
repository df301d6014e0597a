//! What stands in a writer's key is a key part.

use cached_runtime::invalidate;

#[invalidate(key = "place:<latitude>")]
async fn move_to(latitude: f64) -> Result<(), String> {
    Err(latitude.to_string())
}

fn main() {}
