//! What the servers of a cluster may say of each other, read as the cluster reads it. For the fuzzers.

use std::sync::Arc;
use std::time::Duration;

use ::redis::parse_redis_value;

use super::address::Address;
use super::cluster::endpoint;
use super::cluster::map::{Holder, Map};
use super::cluster::slot::{self, SLOTS};
use super::cluster::view::View;
use super::commands::refusal;
use super::link::Place;
use super::node::Node;
use super::share::Share;
use crate::store::StoreError;

/// Two answers to `CLUSTER NODES`, one after the other: how many slots the map ends up with.
pub fn topology(first: &str, then: &str) -> usize {
    let Ok(login) = Address::parse("redis://127.0.0.1") else { return 0 };
    let node = |host: &str, port| {
        let place = Place::Fixed(Box::new(login.at(host, port)));
        Arc::new(Node::new(place, Duration::from_secs(1), Share::Everything { probe: "".into() }))
    };
    let mut map = Map::default();
    for (text, named) in [(first, false), (then, true), (first, false)] {
        let next = map.after(&View::parse(text, "::1", named), |master| Holder {
            node: node(&master.host, master.port),
            address: format!("{}:{}", master.host, master.port).into(),
            id: master.id.clone(),
        });
        let _moved = next.moved_since(&map).count();
        map = next;
    }
    let held = (0..SLOTS).filter(|slot| map.holder(*slot).is_some()).count();
    assert!(held <= usize::from(SLOTS) && slot::of(first.as_bytes()) < SLOTS);
    held
}

/// The error line that a server sent, without its `-`: the host and the port that it sends us to.
pub fn redirection(line: &str) -> Option<(String, u16)> {
    // A line ends where the protocol ends it.
    let line = line.split(['\r', '\n']).next().unwrap_or_default();
    let error = parse_redis_value(format!("-{line}\r\n").as_bytes()).and_then(::redis::Value::extract_error).err()?;
    let StoreError::Elsewhere { address, .. } = refusal(&error) else { return None };
    let (host, port) = endpoint::redirected(&address, "::1")?;
    Some((host.to_owned(), port))
}
