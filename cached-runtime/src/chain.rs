//! Who is loading what on whose behalf, so that nothing ever waits for itself.
//!
//! While a body runs, the *chain* of loads it runs inside is known to the thread that polls it. A call finds itself in
//! the chain (recursion), or would close a circle of waits through other chains (two functions that load each other's
//! keys): either way waiting would never end, so it loads at once, uncached.

use std::cell::RefCell;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::token::Token;

/// The loads around the code that runs now, innermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain(Option<Arc<Load>>);

#[derive(Debug)]
struct Load {
    flight: u64,
    token: Option<Token>,
    outer: Chain,
}

thread_local! {
    static CURRENT: RefCell<Chain> = const { RefCell::new(Chain(None)) };
}

impl Chain {
    /// The chain of the code that calls this.
    pub(crate) fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// This chain with one more load inside.
    pub(crate) fn with(&self, flight: u64, token: Option<Token>) -> Self {
        Self(Some(Arc::new(Load { flight, token, outer: self.clone() })))
    }

    fn loads(&self) -> impl Iterator<Item = &Load> {
        std::iter::successors(self.0.as_deref(), |load| load.outer.0.as_deref())
    }

    /// Whether a lease with this token is held by this chain: another `Cache` over the same Redis has other flights,
    /// but the token in the key is the same.
    pub(crate) fn holds(&self, token: &Token) -> bool {
        self.loads().any(|load| load.token.as_ref() == Some(token))
    }

    /// Runs `f` as part of this chain.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(Chain);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(std::mem::take(&mut self.0));
            }
        }
        let _outer = Restore(CURRENT.replace(self.clone()));
        f()
    }

    /// Declares that this chain waits for `flight` until the guard is dropped. `None`: that wait would never end.
    pub(crate) fn wait_for(&self, flight: u64) -> Option<Waiting> {
        let held: Vec<u64> = self.loads().map(|load| load.flight).collect();
        if held.is_empty() {
            // Nobody can be waiting for us, so no circle can close: the common case takes no lock.
            return Some(Waiting(None));
        }
        let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ahead = vec![flight];
        let mut seen = HashSet::new();
        while let Some(next) = ahead.pop() {
            if held.contains(&next) {
                return None;
            }
            if seen.insert(next) {
                ahead.extend(waits.iter().filter(|wait| wait.held.contains(&next)).map(|wait| wait.flight));
            }
        }
        let wait = Arc::new(Wait { held, flight });
        waits.push(Arc::clone(&wait));
        Some(Waiting(Some(wait)))
    }
}

/// A call that holds `held` waits for `flight`.
#[derive(Debug)]
struct Wait {
    held: Vec<u64>,
    flight: u64,
}

/// Waits of calls that are themselves inside a load: few, and only while they last.
static WAITS: Mutex<Vec<Arc<Wait>>> = Mutex::new(Vec::new());

/// See [`Chain::wait_for`].
#[derive(Debug)]
pub(crate) struct Waiting(Option<Arc<Wait>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(wait) = &self.0 {
            WAITS.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, wait));
        }
    }
}

pin_project! {
    /// A body that runs inside a chain.
    #[derive(Debug)]
    pub struct Loading<F> {
        #[pin]
        body: F,
        chain: Chain,
    }
}

impl<F> Loading<F> {
    pub(crate) fn new(body: F, chain: Chain) -> Self {
        Self { body, chain }
    }
}

impl<F: Future> Future for Loading<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.chain.enter(|| this.body.poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_never_waits_for_its_own_load() {
        let outer = Chain::default().with(1_001, None);
        let inner = outer.with(1_002, None);
        assert!(inner.wait_for(1_001).is_none());
        assert!(inner.wait_for(1_002).is_none());
        assert!(inner.wait_for(1_003).is_some());
        assert!(Chain::default().wait_for(1_001).is_some());
    }

    #[test]
    fn a_circle_through_other_chains_is_not_closed() {
        let (a, b, c) = (2_001, 2_002, 2_003);
        let chain = |held| Chain::default().with(held, None);
        let a_for_b = chain(a).wait_for(b);
        let b_for_c = chain(b).wait_for(c);
        assert!(a_for_b.is_some() && b_for_c.is_some());
        assert!(chain(c).wait_for(a).is_none());
        drop(b_for_c);
        assert!(chain(c).wait_for(a).is_some());
    }

    #[test]
    fn the_chain_is_that_of_the_code_that_runs() {
        let chain = Chain::default().with(3_001, Some(Token::fresh()));
        chain.enter(|| assert!(Chain::current().wait_for(3_001).is_none()));
        assert!(Chain::current().wait_for(3_001).is_some());
    }
}
