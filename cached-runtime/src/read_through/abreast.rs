//! Futures that run side by side, a bounded number of them, in the task that asked for them: so they are part of its
//! chain of loads, need no runtime, and end with it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

pub(super) struct Abreast<'f, T> {
    running: Vec<Pin<Box<dyn Future<Output = T> + Send + 'f>>>,
}

impl<'f, T> Abreast<'f, T> {
    pub(super) fn new() -> Self {
        Self { running: Vec::new() }
    }

    /// Takes on more until so many run, or there are no more.
    pub(super) fn fill_up<F: Future<Output = T> + Send + 'f>(
        &mut self,
        at_once: usize,
        mut more: impl FnMut() -> Option<F>,
    ) {
        while self.running.len() < at_once
            && let Some(future) = more()
        {
            self.running.push(Box::pin(future));
        }
    }

    /// What the next one ends with; `None` where none runs.
    pub(super) async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| {
            if self.running.is_empty() {
                return Poll::Ready(None);
            }
            // Few enough to ask each of them at every wake.
            for at in 0..self.running.len() {
                if let Poll::Ready(ended) = self.running[at].as_mut().poll(cx) {
                    drop(self.running.swap_remove(at));
                    return Poll::Ready(Some(ended));
                }
            }
            Poll::Pending
        })
        .await
    }
}
