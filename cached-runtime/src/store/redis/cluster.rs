//! Redis Cluster: every command goes to the server that holds its key's slot.
//!
//! Each server is a [`Node`] as a single server is: own connection, own breaker, own tracker. So one that dies takes its
//! own slots along and nobody else's, a hung one costs a few callers a deadline, and waiters are told by the server
//! that holds their key. The client library's cluster connection can do none of that: it never looks at the topology
//! again while a server hangs, and repeats commands whose answer it did not get, which must not be done to those that
//! create a token.
//!
//! Only a refusal is ever followed by a second attempt, since then it is certain that nothing was done. `ASK` is
//! followed at once. `MOVED` is not: the topology is read anew, and the server that has taken over hears of the
//! invalidations of the last minute before anybody asks it. It may be a replica that was promoted without them.

pub(crate) mod endpoint;
mod look;
pub(crate) mod map;
pub(crate) mod slot;
pub(crate) mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;

use ::redis::{Arg, Cmd, Pipeline, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use self::map::Map;
use super::address::Address;
use super::link::Place;
use super::node::{Node, Request};
use super::share::Share;
use super::together::together;
use crate::store::{Condition, Repair, StoreError};

/// So often a command is sent on; more says that the servers do not agree.
const REDIRECTS: usize = 4;
/// Between two looks at the topology while servers do not answer.
const LOOK: Duration = Duration::from_millis(200);
/// For one server to say what it knows.
const TELL: Duration = Duration::from_millis(300);
/// For a server that has taken slots over to hear of invalidations.
const REPLAY: Duration = Duration::from_secs(1);

/// The masters of one cluster.
pub(crate) struct Cluster {
    this: Weak<Self>,
    /// Where to ask while no server is known.
    seeds: Vec<Address>,
    /// An address with what it takes to log in, the same everywhere.
    login: Address,
    deadline: Duration,
    probe: Arc<str>,
    /// By address.
    nodes: Mutex<HashMap<Arc<str>, Arc<Node>>>,
    map: RwLock<Arc<Map>>,
    /// How often the topology was looked at.
    looks: watch::Sender<u64>,
    looking: AtomicBool,
    looked: Mutex<Option<Instant>>,
    /// Who is said to know more.
    hint: Mutex<Option<String>>,
    /// How often servers were given up that are no longer among the masters.
    opened_before: AtomicU64,
    repair: OnceLock<Arc<dyn Repair>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("seeds", &self.seeds).finish_non_exhaustive()
    }
}

/// What one server of a cluster holds.
#[derive(Clone)]
pub(crate) struct Territory {
    cluster: Weak<Cluster>,
    address: Arc<str>,
}

impl std::fmt::Debug for Territory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Territory").field(&self.address).finish()
    }
}

impl Territory {
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.cluster.upgrade().is_some_and(|cluster| self.is_of(&cluster.map(), key))
    }

    fn is_of(&self, map: &Map, key: &str) -> bool {
        map.holder(slot::of(key.as_bytes())).is_some_and(|holder| holder.address == self.address)
    }

    /// With a hash tag that puts it into one of the server's slots.
    pub(crate) fn probe(&self) -> Option<Arc<str>> {
        let cluster = self.cluster.upgrade()?;
        let map = cluster.map();
        map.holders.iter().find(|holder| holder.address == self.address)?;
        let tagged = |number: u32| format!("{}{{{number}}}", cluster.probe);
        (0..2 * u32::from(slot::SLOTS)).map(tagged).find(|key| self.is_of(&map, key)).map(Arc::from)
    }
}

/// Where a command goes: to whom, and whether the key is only on its way there.
#[derive(Clone)]
struct Destination {
    node: Arc<Node>,
    asking: bool,
}

impl Cluster {
    /// One of the servers, and others in case that it does not answer.
    pub(crate) fn new(first: Address, others: Vec<Address>, deadline: Duration, probe: Arc<str>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            login: first.clone(),
            seeds: std::iter::once(first).chain(others).collect(),
            deadline,
            probe,
            nodes: Mutex::default(),
            map: RwLock::default(),
            looks: watch::Sender::new(0),
            looking: AtomicBool::new(false),
            looked: Mutex::default(),
            hint: Mutex::default(),
            opened_before: AtomicU64::new(0),
            repair: OnceLock::new(),
        })
    }

    /// Asks whoever holds the key.
    pub(crate) async fn run(&self, key: &str, request: Request<'_>) -> Result<Value, StoreError> {
        let slot = slot::of(key.as_bytes());
        let due = Instant::now() + self.deadline;
        let mut to = self.holder_of(slot, due).await?;
        for _ in 0..REDIRECTS {
            match to.node.run(due, request, to.asking).await {
                Err(StoreError::Elsewhere { address, asking }) => {
                    to = self.redirected(slot, &to, address, asking, due).await?;
                }
                reply => return reply.inspect_err(|error| self.failed(error)),
            }
        }
        Err(StoreError::Unavailable)
    }

    /// Several commands, one round trip to each server that is concerned, all of these at a time.
    pub(crate) async fn pipeline(&self, commands: &Pipeline) -> Vec<Result<Value, StoreError>> {
        let commands: Vec<&Cmd> = commands.cmd_iter().collect();
        let due = Instant::now() + self.deadline;
        let mut replies = vec![Err(StoreError::Unavailable); commands.len()];
        let mut open: Vec<(usize, Destination)> = Vec::with_capacity(commands.len());
        for (at, command) in commands.iter().enumerate() {
            match self.holder_of(slot_of(command), due).await {
                Ok(to) => open.push((at, to)),
                Err(error) => replies[at] = Err(error),
            }
        }
        for _ in 0..REDIRECTS {
            let mut groups: Vec<(Destination, Vec<usize>)> = Vec::new();
            for (at, to) in open.drain(..) {
                let of_it = |(other, _): &&mut (Destination, _)| {
                    Arc::ptr_eq(&other.node, &to.node) && other.asking == to.asking
                };
                match groups.iter_mut().find(of_it) {
                    Some((_, group)) => group.push(at),
                    None => groups.push((to, vec![at])),
                }
            }
            let sent = groups.iter().map(|(to, group)| self.group(to, group.iter().map(|at| commands[*at]), due));
            let answers = together(sent).await;
            for ((to, group), answers) in groups.iter().zip(answers) {
                for (at, answer) in group.iter().zip(answers) {
                    match answer {
                        Err(StoreError::Elsewhere { address, asking }) => {
                            let slot = slot_of(commands[*at]);
                            match self.redirected(slot, to, address, asking, due).await {
                                Ok(to) => open.push((*at, to)),
                                Err(error) => replies[*at] = Err(error),
                            }
                        }
                        answer => replies[*at] = answer,
                    }
                }
            }
            if open.is_empty() {
                break;
            }
        }
        replies
    }

    /// The commands for one server.
    async fn group(
        &self,
        to: &Destination,
        commands: impl Iterator<Item = &Cmd>,
        due: Instant,
    ) -> Vec<Result<Value, StoreError>> {
        let mut pipeline = Pipeline::new();
        let mut count = 0;
        for command in commands {
            if to.asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(command.clone());
            count += 1;
        }
        match to.node.pipeline(due, &pipeline).await {
            Ok(answers) if to.asking => answers.into_iter().skip(1).step_by(2).collect(),
            Ok(answers) => answers,
            Err(error) => {
                self.failed(&error);
                vec![Err(error); count]
            }
        }
        .into_iter()
        .inspect(|answer| answer.as_ref().err().into_iter().for_each(|error| self.failed(error)))
        .collect()
    }

    /// Who holds the slot. The first callers of all wait until somebody has said so.
    async fn holder_of(&self, slot: u16, due: Instant) -> Result<Destination, StoreError> {
        if let Some(holder) = self.map().holder(slot) {
            return Ok(Destination { node: Arc::clone(&holder.node), asking: false });
        }
        let mut looks = self.looks.subscribe();
        self.look_again(None);
        let _ = timeout_at(due, looks.wait_for(|looks| *looks > 0)).await;
        let map = self.map();
        let holder = map.holder(slot).ok_or(StoreError::Unavailable)?;
        Ok(Destination { node: Arc::clone(&holder.node), asking: false })
    }

    /// Where to go after having been sent on.
    async fn redirected(
        &self,
        slot: u16,
        from: &Destination,
        address: String,
        asking: bool,
        due: Instant,
    ) -> Result<Destination, StoreError> {
        let asked = self.address_of(&from.node);
        let asked = asked.as_deref().and_then(endpoint::split).map_or("", |(host, _)| host);
        let to = endpoint::redirected(&address, asked);
        if asking {
            let (host, port) = to.ok_or(StoreError::Unavailable)?;
            return Ok(Destination { node: self.node(host, port), asking: true });
        }
        if let Some(holder) = self.map().holder(slot).filter(|holder| !Arc::ptr_eq(&holder.node, &from.node)) {
            // Somebody has looked meanwhile.
            return Ok(Destination { node: Arc::clone(&holder.node), asking: false });
        }
        let mut looks = self.looks.subscribe();
        let before = *looks.borrow_and_update();
        self.look_again(Some(to.map(|(host, port)| format!("{host}:{port}")).unwrap_or_default()));
        let _ = timeout_at(due, looks.wait_for(|looks| *looks > before)).await;
        self.holder_of(slot, due).await
    }

    /// A server that does not answer, or cannot serve, may have been replaced.
    fn failed(&self, error: &StoreError) {
        if error.is_about_the_server() {
            self.look_again(None);
        }
    }

    /// Whether the key's holder is not asked. It may have been replaced: whoever finds out looks.
    pub(crate) fn given_up(&self, key: &str) -> bool {
        let given_up = self.holding(key).is_some_and(|node| node.given_up());
        if given_up {
            self.look_again(None);
        }
        given_up
    }

    /// Who holds the key, if that is known.
    pub(crate) fn holding(&self, key: &str) -> Option<Arc<Node>> {
        self.map().holder(slot::of(key.as_bytes())).map(|holder| Arc::clone(&holder.node))
    }

    fn map(&self) -> Arc<Map> {
        Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn nodes(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server there, made on first use.
    fn node(&self, host: &str, port: u16) -> Arc<Node> {
        let address: Arc<str> = format!("{host}:{port}").into();
        let mut nodes = self.nodes();
        if let Some(node) = nodes.get(&address) {
            return Arc::clone(node);
        }
        let share = Share::Slots(Territory { cluster: Weak::clone(&self.this), address: Arc::clone(&address) });
        let node = Arc::new(Node::new(Place::Fixed(Box::new(self.login.at(host, port))), self.deadline, share));
        if let Some(repair) = self.repair.get() {
            node.breaker.repaired_by(Arc::clone(repair));
        }
        nodes.insert(address, Arc::clone(&node));
        node
    }

    fn address_of(&self, node: &Arc<Node>) -> Option<Arc<str>> {
        self.nodes().iter().find(|(_, other)| Arc::ptr_eq(other, node)).map(|(address, _)| Arc::clone(address))
    }

    /// Some down are not all down.
    pub(crate) fn condition(&self) -> Condition {
        let map = self.map();
        if map.holders.is_empty() {
            return if *self.looks.borrow() == 0 { Condition::Up } else { Condition::Down };
        }
        let mut all = map.holders.iter().map(|holder| holder.node.breaker.condition());
        let first = all.next().unwrap_or(Condition::Up);
        if all.all(|other| other == first) { first } else { Condition::Partly }
    }

    pub(crate) fn refusal(&self) -> Option<StoreError> {
        self.map().holders.iter().find_map(|holder| holder.node.refusal())
    }

    pub(crate) fn times_opened(&self) -> u64 {
        let now: u64 = self.nodes().values().map(|node| node.breaker.times_opened()).sum();
        self.opened_before.load(Ordering::Relaxed) + now
    }

    pub(crate) fn repaired_by(&self, repair: Arc<dyn Repair>) {
        for node in self.nodes().values() {
            node.breaker.repaired_by(Arc::clone(&repair));
        }
        let _ = self.repair.set(repair);
    }
}

/// The slot of a command's key.
fn slot_of(command: &Cmd) -> u16 {
    let mut words = command.args_iter().map(|word| match word {
        Arg::Simple(word) => word,
        _ => b"",
    });
    let key = match words.next() {
        Some(b"EVALSHA" | b"EVAL") => words.nth(2),
        _ => words.next(),
    };
    slot::of(key.unwrap_or_default())
}
