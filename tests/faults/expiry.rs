//! Watches every key of a server all the time: none may ever be without an expiry.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::admin::{Admin, LEASE, VALUE};
use crate::support::Redis;

/// A running watch; end it to know what it saw.
pub struct Expiry {
    stop: Arc<AtomicBool>,
    watch: Option<JoinHandle<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    leases: u64,
    values: u64,
    endless: Vec<String>,
}

impl Expiry {
    pub fn watch(redis: &Redis) -> Self {
        let (mut admin, stop) = (Admin::of(redis), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let watch = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::SeqCst) {
                look(&mut admin, &mut seen);
            }
            seen
        });
        Self { stop, watch: Some(watch) }
    }

    /// Fails if a key was ever seen without an expiry, or if there was nothing to see.
    pub fn end(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let seen = self.watch.take().expect("still there").join().expect("no panic");
        assert!(seen.endless.is_empty(), "without an expiry: {:?}", seen.endless);
        assert!(seen.leases > 0 && seen.values > 0, "{seen:?}");
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn look(admin: &mut Admin, seen: &mut Seen) {
    let mut cursor = "0".to_owned();
    loop {
        let (next, keys): (String, Vec<String>) = admin.run(&["SCAN", &cursor, "COUNT", "100"]).expect("SCAN");
        for key in keys {
            let left: i64 = admin.run(&["PTTL", &key]).expect("PTTL");
            let kind: Vec<u8> = admin.run(&["GETRANGE", &key, "0", "1"]).expect("GETRANGE");
            seen.leases += u64::from(kind == LEASE);
            seen.values += u64::from(kind == VALUE);
            if left == -1 {
                seen.endless.push(format!("{key} ({kind:x?})"));
            }
        }
        cursor = next;
        if cursor == "0" {
            return;
        }
    }
}
