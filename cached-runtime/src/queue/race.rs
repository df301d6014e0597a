//! Two futures at a time.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The first to end.
pub(super) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Ends with the first of the two; the left one, where both have.
pub(super) async fn race<A, B>(left: impl Future<Output = A>, right: impl Future<Output = B>) -> First<A, B> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(left) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(left));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
