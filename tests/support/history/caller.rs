//! One of the many callers of a process: its number, its dice, and how long it stays.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::time::timeout;

use super::dice::Dice;

#[derive(Clone, Debug)]
pub struct Caller {
    /// No other caller of the process has it.
    pub task: u16,
    pub dice: Dice,
}

impl Caller {
    /// Calls, and in one of 25 calls goes away before the answer: after some milliseconds, or after a few steps, which
    /// is less.
    pub async fn perhaps<T>(&mut self, call: impl Future<Output = T>) -> Option<T> {
        if !self.dice.once_in(25) {
            return Some(call.await);
        }
        if self.dice.once_in(2) {
            return timeout(self.dice.millis(1, 4), call).await.ok();
        }
        let mut steps = 1 + self.dice.roll(8);
        let mut call = pin!(call);
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => {
                steps -= 1;
                if steps == 0 { Poll::Ready(None) } else { Poll::Pending }
            }
        })
        .await
    }
}
