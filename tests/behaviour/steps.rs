//! A call that is led from one await point to the next, to stop at each of them in turn.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls `call` until it was polled `polls` times, waiting in between for whatever it waits for. `None`: it stands at
/// an await point.
pub fn polled<'c, F: Future>(call: &'c mut Pin<Box<F>>, polls: usize) -> Polled<'c, F> {
    Polled { call, polls }
}

pub struct Polled<'c, F> {
    call: &'c mut Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for Polled<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.polls.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.polls = left;
        match self.call.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // At once: at the next wake-up the call itself could go on.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}
