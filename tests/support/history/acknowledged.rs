//! Whether the store acknowledged the end of a write. A writer returns what its body returned, whatever the store says:
//! so the store itself is asked.

use std::cell::Cell;

tokio::task_local! {
    /// `None` before the store has said anything.
    static HEARD: Cell<Option<bool>>;
}

/// Runs a write or the end of one; true if the store acknowledged everything that ended it.
pub async fn acknowledged<T>(write: impl Future<Output = T>) -> (T, bool) {
    let heard = async {
        let written = write.await;
        (written, HEARD.with(Cell::get) == Some(true))
    };
    HEARD.scope(Cell::new(None), heard).await
}

/// What the store answered to something that ends a write. One refusal spoils it.
pub(super) fn heard(acknowledged: bool) {
    let _outside_of_a_write = HEARD.try_with(|heard| heard.set(Some(acknowledged && heard.get() != Some(false))));
}
