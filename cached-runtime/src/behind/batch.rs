//! What a body is called with by the worker, and which queue is whose.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::event;
use crate::queue::Queue;
use crate::site::Site;
use crate::store::queues::Id;

/// One write's place among all that were queued with it: later writes of a key have larger ids, and a write that is
/// tried again has the same.
///
/// As a text it is 34 letters long, and texts are in the order of the ids: a column of that type makes a statement that
/// writes nothing twice, `... ON CONFLICT (id) DO UPDATE SET ... WHERE excluded.written > users.written`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId {
    millis: u64,
    number: u64,
}

impl From<Id> for WriteId {
    fn from(id: Id) -> Self {
        Self { millis: id.millis, number: id.number }
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:013}-{:020}", self.millis, self.number)
    }
}

tokio::task_local! {
    /// A batch whose body has not begun.
    static BATCH: RefCell<Option<Batch>>;
    /// What the body writes.
    static IDS: Vec<WriteId>;
}

/// The ids of the values that the body of a `#[write_behind]` function is called with, in their order. Empty where the
/// function runs its body in the call itself, and outside of such a body.
///
/// ```
/// # use cached_runtime::{write_behind, write_ids};
/// # #[derive(serde::Serialize, serde::Deserialize)] struct User { id: i64 }
/// #[write_behind(key = "user:<user.id>", each = user in users, ttl = 3600)]
/// async fn save_users(users: Vec<User>) {
///     for (user, id) in users.iter().zip(write_ids()) {
///         println!("{} was queued as {id}", user.id);
///     }
/// }
/// ```
pub fn write_ids() -> Vec<WriteId> {
    IDS.try_with(Vec::clone).unwrap_or_default()
}

/// Runs a body, which can ask for these.
pub(super) fn with_ids<F: Future>(ids: Vec<WriteId>, body: F) -> impl Future<Output = F::Output> + use<F> {
    IDS.scope(ids, body)
}

/// What the worker has taken out of its queue, on its way into the function.
#[derive(Debug)]
pub(crate) struct Batch {
    queue: &'static str,
    ids: Vec<WriteId>,
}

impl Batch {
    pub(super) fn new(queue: &Queue, ids: Vec<WriteId>) -> Self {
        Self { queue: queue.name, ids }
    }

    /// Calls the function, which is going to take it.
    pub(super) fn scope<F: Future>(self, call: F) -> impl Future<Output = F::Output> + use<F> {
        BATCH.scope(RefCell::new(Some(self)), call)
    }

    /// The ids, for the first call of this queue's function. What the body calls itself is a call like any other.
    pub(super) fn take(queue: &Queue) -> Option<Vec<WriteId>> {
        let taken = BATCH.try_with(|batch| {
            let mut batch = batch.try_borrow_mut().ok()?;
            batch.take_if(|batch| batch.queue == queue.name).map(|batch| batch.ids)
        });
        taken.ok().flatten()
    }
}

/// Whether this queue is of this function alone. Where two have one name, the body of one would be given the values of
/// the other.
pub(super) fn sole(site: &Site, queue: &Queue) -> bool {
    static OWNERS: OnceLock<Mutex<HashMap<&'static str, Owner>>> = OnceLock::new();
    let mut owners = OWNERS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let owner = owners.entry(queue.name).or_insert(Owner { file: site.file, line: site.line, told: false });
    let sole = (owner.file, owner.line) == (site.file, site.line);
    if !sole && !std::mem::replace(&mut owner.told, true) {
        event::warning!(
            "cache: the functions at {}:{} and {}:{} queue under one name, `{}`, and the second one writes at once; give \
             it a name of its own with `queue = \"...\"`",
            owner.file,
            owner.line,
            site.file,
            site.line,
            queue.name
        );
    }
    sole
}

/// The first function with a queue of that name.
struct Owner {
    file: &'static str,
    line: u32,
    /// Whether it was said that there is another one.
    told: bool,
}
