//! Several operations at the same time, in the caller's own task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// The answers of all of them, in order.
pub(crate) async fn together<T>(operations: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = operations.into_iter().map(|operation| (Box::pin(operation), None)).collect();
    poll_fn(|cx| {
        let mut pending = false;
        for (operation, answer) in &mut running {
            if answer.is_none() {
                match Pin::as_mut(operation).poll(cx) {
                    Poll::Ready(ready) => *answer = Some(ready),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, answer)| answer).collect()
}
