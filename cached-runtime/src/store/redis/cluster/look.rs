//! Looking at the topology again: in the background, after a `MOVED` and while servers do not answer.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use ::redis::RedisError;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::map::{Holder, Map};
use super::view::View;
use super::{Cluster, LOOK, REPLAY, TELL, endpoint, slot};
use crate::event;
use crate::store::redis::link::delete_each;
use crate::store::redis::node::Node;

impl Cluster {
    /// Starts to look, unless somebody does. Where nobody was named who knows more: only now and then.
    pub(super) fn look_again(&self, hint: Option<String>) {
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if hint.is_none() && looked.is_some_and(|at| at.elapsed() < LOOK) {
                return;
            }
            *looked = Some(Instant::now());
        }
        if hint.is_some() {
            *self.hint.lock().unwrap_or_else(PoisonError::into_inner) = hint;
        }
        if self.looking.swap(true, Ordering::SeqCst) {
            return;
        }
        let (Ok(here), Some(this)) = (Handle::try_current(), self.this.upgrade()) else {
            self.looking.store(false, Ordering::SeqCst);
            return;
        };
        let turn = Turn(this);
        here.spawn(async move { turn.0.look().await });
    }

    async fn look(&self) {
        let hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner).take();
        let hint = hint.and_then(|hint| {
            let (host, port) = endpoint::split(&hint)?;
            Some(self.node(host, port))
        });
        let map = self.map();
        // Those that answer first.
        let (open, answering): (Vec<_>, Vec<_>) =
            map.holders.iter().map(|holder| Arc::clone(&holder.node)).partition(|node| node.breaker.is_open());
        let seeds = self.seeds.iter().filter_map(|seed| seed.host_and_port()).map(|(host, port)| self.node(host, port));
        let mut asked: Vec<Arc<Node>> = Vec::new();
        for node in hint.into_iter().chain(answering).chain(seeds).chain(open) {
            if asked.iter().any(|other| Arc::ptr_eq(other, &node)) {
                continue;
            }
            if let Ok(Some(view)) = timeout(TELL, self.view(&node)).await {
                return self.adopt(&map, &view).await;
            }
            asked.push(node);
        }
    }

    /// What a server knows; nothing where it knows of no slots.
    async fn view(&self, node: &Arc<Node>) -> Option<View> {
        let connection = node.links.here().connection().await.ok()?;
        let text = ::redis::cmd("CLUSTER").arg("NODES").query_async::<String>(&mut connection.client()).await.ok()?;
        let address = self.address_of(node)?;
        let (host, _) = endpoint::split(&address)?;
        let view = View::parse(&text, host, self.login.is_encrypted());
        Some(view).filter(|view| !view.masters.is_empty())
    }

    /// Makes the view the map, after those that have taken slots over have heard of the latest invalidations.
    async fn adopt(&self, before: &Arc<Map>, view: &View) {
        let mut map = before.after(view, |master| {
            let node = self.node(&master.host, master.port);
            Holder { node, address: format!("{}:{}", master.host, master.port).into(), id: master.id.clone() }
        });
        let moved: HashSet<u16> = map.moved_since(before).map(|(slot, ..)| slot).collect();
        if let Some(repair) = self.repair.get().filter(|_| !moved.is_empty()) {
            let mut missed: HashMap<usize, Vec<(Arc<str>, u64)>> = HashMap::new();
            for (key, number) in repair.outstanding(true) {
                let slot = slot::of(key.as_bytes());
                if moved.contains(&slot)
                    && let Some(place) = map.place(slot)
                {
                    missed.entry(place).or_default().push((key, number));
                }
            }
            let mut deaf = HashSet::new();
            for (place, keys) in missed {
                let node = Arc::clone(&map.holders[place].node);
                match timeout(REPLAY, replay(&node, &keys)).await {
                    Ok(Ok(())) => repair.delivered(&keys),
                    // Its slots stay where they were: nobody gets an answer there, but no old value either.
                    Ok(Err(_)) | Err(_) => _ = deaf.insert(Arc::clone(&map.holders[place].address)),
                }
            }
            let deaf: Vec<_> = map
                .moved_since(before)
                .filter(|(slot, ..)| map.holder(*slot).is_some_and(|holder| deaf.contains(&holder.address)))
                .map(|(slot, was, config_epoch)| (slot, was.clone(), config_epoch))
                .collect();
            for (slot, was, config_epoch) in deaf {
                map.keep(usize::from(slot), &was, config_epoch);
            }
        }
        if !moved.is_empty() {
            event::notice!("cache: {} slots of the cluster have moved", moved.len());
        }
        let current: HashSet<_> = map.holders.iter().map(|holder| Arc::clone(&holder.address)).collect();
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
        // Those that hold nothing are let go of; their connections end with them.
        let mut gone = Vec::new();
        self.nodes().retain(|address, node| {
            let stays = current.contains(address);
            if !stays {
                gone.push(Arc::clone(node));
            }
            stays
        });
        let opened: u64 = gone.iter().map(|node| node.breaker.times_opened()).sum();
        self.opened_before.fetch_add(opened, Ordering::Relaxed);
    }
}

async fn replay(node: &Node, keys: &[(Arc<str>, u64)]) -> Result<(), RedisError> {
    let away = || RedisError::from(std::io::Error::from(std::io::ErrorKind::NotConnected));
    let connection = node.links.here().connection().await.map_err(|_| away())?;
    for some in keys.chunks(500) {
        for reply in delete_each(&mut connection.client(), some, false).await? {
            reply.extract_error()?;
        }
    }
    Ok(())
}

/// Ends with the look, or with its runtime.
struct Turn(Arc<Cluster>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.looking.store(false, Ordering::SeqCst);
        self.0.looks.send_modify(|looks| *looks += 1);
    }
}
