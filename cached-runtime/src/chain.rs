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
use crate::trace::CallSpan;

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

    /// Whether there is a load around.
    pub(crate) fn is_inside(&self) -> bool {
        self.0.is_some()
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

    /// Declares that this chain waits for a flight until the guard is dropped. `None`: that wait would never end.
    pub(crate) fn wait_for(&self, flight: u64) -> Option<Waiting> {
        if self.0.is_none() {
            // Nobody can be waiting for us, so no circle can close: the common case takes no lock.
            return Some(Waiting(None));
        }
        Waiting::declare(self.held().collect(), Awaited::Flight(flight))
    }

    /// The same for a lease, on behalf of those who follow the flight `leading`. One that another process holds closes
    /// no circle that could be seen from here; one of ours is held by a load of another `Cache` in this process.
    pub(crate) fn wait_for_lease(&self, token: Token, leading: u64) -> Option<Waiting> {
        if !token.is_ours() {
            return Some(Waiting(None));
        }
        Waiting::declare(self.held().chain([Awaited::Flight(leading)]).collect(), Awaited::Lease(token))
    }

    /// Declares that a load does not begin before another has ended, until the guard is dropped: a batch whose body runs
    /// has taken on one more key. Without that, a call for this key from inside of the body would wait for a load that
    /// waits for the body.
    pub(crate) fn begins_after(load: (u64, Option<Token>), other: u64) -> Option<Waiting> {
        let held = [Some(Awaited::Flight(load.0)), load.1.map(Awaited::Lease)].into_iter().flatten().collect();
        Waiting::declare(held, Awaited::Flight(other))
    }

    /// Everything that ends only after this chain has gone on.
    fn held(&self) -> impl Iterator<Item = Awaited> {
        self.loads().flat_map(|load| [Some(Awaited::Flight(load.flight)), load.token.map(Awaited::Lease)]).flatten()
    }
}

/// What a call can wait for: a load of its own cache, or one that another cache has the lease for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Awaited {
    Flight(u64),
    Lease(Token),
}

/// A call that holds `held` waits for `awaited`.
#[derive(Debug)]
struct Wait {
    held: Vec<Awaited>,
    awaited: Awaited,
}

/// Waits of calls that are themselves inside a load, or wait for another cache's: few, and only while they last.
static WAITS: Mutex<Vec<Arc<Wait>>> = Mutex::new(Vec::new());

/// See [`Chain::wait_for`].
#[derive(Debug)]
pub(crate) struct Waiting(Option<Arc<Wait>>);

impl Waiting {
    fn declare(held: Vec<Awaited>, awaited: Awaited) -> Option<Self> {
        let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ahead = vec![awaited];
        let mut seen = HashSet::new();
        while let Some(next) = ahead.pop() {
            if held.contains(&next) {
                return None;
            }
            if seen.insert(next) {
                ahead.extend(waits.iter().filter(|wait| wait.held.contains(&next)).map(|wait| wait.awaited));
            }
        }
        let wait = Arc::new(Wait { held, awaited });
        waits.push(Arc::clone(&wait));
        Some(Self(Some(wait)))
    }
}

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
        span: CallSpan,
    }
}

impl<F> Loading<F> {
    pub(crate) fn new(body: F, chain: Chain, span: CallSpan) -> Self {
        Self { body, chain, span }
    }
}

impl<F: Future> Future for Loading<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.chain.enter(|| this.span.enter(|| this.body.poll(cx)))
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
    fn a_circle_through_another_caches_lease_is_not_closed() {
        let (a, b) = (Token::fresh(), Token::fresh());
        let a_for_b = Chain::default().with(4_001, Some(a)).wait_for_lease(b, 4_003);
        assert!(a_for_b.is_some());
        let b_chain = Chain::default().with(4_002, Some(b));
        assert!(b_chain.wait_for_lease(a, 4_004).is_none());
        assert!(b_chain.wait_for(4_003).is_none(), "the followers of a waiting flight wait for what it waits for");
        drop(a_for_b);
        assert!(b_chain.wait_for_lease(a, 4_004).is_some());
        let foreign = Token::from_bytes(&[7; 16]).unwrap();
        assert!(b_chain.wait_for_lease(foreign, 4_004).is_some());
    }

    #[test]
    fn the_chain_is_that_of_the_code_that_runs() {
        let chain = Chain::default().with(3_001, Some(Token::fresh()));
        chain.enter(|| assert!(Chain::current().wait_for(3_001).is_none()));
        assert!(Chain::current().wait_for(3_001).is_some());
    }
}
