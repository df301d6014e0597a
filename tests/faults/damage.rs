//! Entries damaged in Redis, at every byte: the body's fresh value, never an error, never a wrong value.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::admin::{Admin, LEASE, VALUE};
use crate::service::{DEADLINE, SLACK, Service, patient};
use crate::support::{Redis, eventually};

/// Puts `damaged` in the entry's place: the next call must load, the one after it must be a hit.
async fn is_noticed(redis: &Redis, service: &Service, damaged: &[u8], what: &str) {
    redis.set_bytes(&Service::entry("k"), damaged);
    let fresh = service.write();
    let answer = service.read("k").await;
    assert!(answer.loaded, "{what}: served {}", answer.value);
    assert_eq!(answer.value, fresh, "{what}");
    assert_eq!(service.hit("k").await, fresh, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flipped_bit_of_a_stored_value_is_noticed() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().loading_for(Duration::ZERO);
    service.until_hit("k").await;
    let length = admin.bytes(&Service::entry("k")).expect("an entry").len();
    for byte in 0..length {
        for bit in 0..8 {
            // Of the entry as it is now: each heals with a value, and a check, of its own.
            let mut entry = admin.bytes(&Service::entry("k")).expect("an entry");
            assert!(entry.starts_with(VALUE));
            entry[byte] ^= 1 << bit;
            is_noticed(&redis, &service, &entry, &format!("bit {bit} of byte {byte}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_truncation_of_a_stored_value_is_noticed() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().loading_for(Duration::ZERO);
    service.until_hit("k").await;
    let length = admin.bytes(&Service::entry("k")).expect("an entry").len();
    for cut in 0..length {
        let entry = admin.bytes(&Service::entry("k")).expect("an entry");
        is_noticed(&redis, &service, &entry[..cut], &format!("cut at {cut}")).await;
        let mut entry = admin.bytes(&Service::entry("k")).expect("an entry");
        entry.extend_from_slice(&entry.clone()[..=cut]);
        is_noticed(&redis, &service, &entry, &format!("{} bytes too long", cut + 1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_that_the_second_byte_can_say_is_noticed() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().loading_for(Duration::ZERO);
    service.until_hit("k").await;
    // A queued value is the value that it becomes, but for its kind, by which the server turns the one into the other.
    for queued in [b'D', b'G'] {
        let whole = admin.bytes(&Service::entry("k")).expect("an entry");
        let mut entry = whole.clone();
        entry[1] = queued;
        redis.set_bytes(&Service::entry("k"), &entry);
        let answer = service.read("k").await;
        assert_eq!((answer.loaded, answer.value), (false, answer.row), "it is what was stored");
        // Cut short it is no value, and still not to be loaded over: it may be on its way to the database.
        redis.set_bytes(&Service::entry("k"), &entry[..entry.len() - 1]);
        service.uncached("k").await;
        assert_eq!(admin.bytes(&Service::entry("k")).as_deref(), Some(&entry[..entry.len() - 1]), "it was taken over");
        redis.set_bytes(&Service::entry("k"), &whole);
    }
    for kind in (0..=u8::MAX).filter(|kind| !matches!(kind, b'V' | b'D' | b'G')) {
        let mut entry = admin.bytes(&Service::entry("k")).expect("an entry");
        entry[1] = kind;
        is_noticed(&redis, &service, &entry, &format!("kind {kind:#x}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_damaged_at_any_byte_costs_no_more_than_the_lease() {
    let lease = Duration::from_millis(400);
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().lease(lease).loading_for(Duration::from_millis(100));
    let mut holders = JoinSet::new();
    let length = 18;
    for byte in 0..length {
        let service = service.clone();
        holders.spawn(async move { service.read(&format!("{byte}")).await });
    }
    eventually("the loads", async || service.loads.get() == length).await;
    for byte in 0..length {
        let entry = Service::entry(&format!("{byte}"));
        let mut bytes = admin.bytes(&entry).expect("a lease");
        assert!(bytes.starts_with(LEASE));
        bytes[usize::try_from(byte).expect("small")] ^= 0x1B;
        redis.set_bytes(&entry, &bytes);
    }
    let damaged = Instant::now();
    let fresh = service.write();
    // Another process: it knows nothing of the loads.
    let other = service.through(patient(&redis));
    let mut waiters = JoinSet::new();
    for byte in 0..length {
        let other = other.clone();
        waiters.spawn(async move { other.read(&format!("{byte}")).await });
    }
    for answer in holders.join_all().await {
        assert_eq!(answer.value, 1, "the holder's caller has its value");
    }
    for answer in waiters.join_all().await {
        assert_eq!(answer.value, fresh);
    }
    assert!(damaged.elapsed() < lease + service.load + DEADLINE + SLACK, "{:?}", damaged.elapsed());
    for byte in 0..length {
        other.until_hit(&format!("{byte}")).await;
        assert_eq!(other.hit(&format!("{byte}")).await, fresh);
    }
}
