//! Somebody else's data under our keys: never served, never an error, replaced by the next load.

use std::time::Duration;

use crate::admin::Admin;
use crate::service::Service;
use crate::support::Redis;

/// The body's value, then a hit, with an expiry.
async fn is_replaced(service: &Service, admin: &mut Admin, id: &str) {
    let fresh = service.write();
    assert_eq!(service.uncached(id).await.value, fresh);
    assert_eq!(service.hit(id).await, fresh, "`{id}`");
    let left: i64 = admin.run(&["PTTL", &Service::entry(id)]).expect("PTTL");
    assert!((1..=60_000).contains(&left), "`{id}` stays for {left} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_another_kind_is_a_miss_and_is_replaced() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    for mutex in [false, true] {
        let service = Service::over(redis.cache()).loading_for(Duration::ZERO);
        let service = if mutex { service.mutex() } else { service };
        let kinds: [&[&str]; 6] = [
            &["RPUSH", "list", "1", "2"],
            &["HSET", "hash", "field", "1"],
            &["SADD", "set", "1"],
            &["ZADD", "sorted", "1", "one"],
            &["XADD", "stream", "*", "field", "1"],
            &["PFADD", "sketch", "1"],
        ];
        for words in kinds {
            let entry = Service::entry(words[1]);
            admin.must(&["DEL", &entry]);
            let mut words = words.to_vec();
            let id = std::mem::replace(&mut words[1], &entry);
            admin.must(&words);
            is_replaced(&service, &mut admin, id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_pushed_over_a_stored_value_is_a_miss_and_is_replaced() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    for _ in 0..3 {
        service.until_hit("k").await;
        admin.must(&["DEL", &Service::entry("k")]);
        admin.must(&["RPUSH", &Service::entry("k"), "1"]);
        is_replaced(&service, &mut admin, "k").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_text_and_bytes_are_misses_and_are_replaced() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex().loading_for(Duration::ZERO);
    let cases: [&[u8]; 12] = [
        b"",
        b"999",
        b"\"999\"",
        b"null",
        b"garbage",
        b"\xC5",
        b"\xC5L",
        b"\xC5V999",
        b"\xC5N",
        b"\xC5E0123456789abcdefX",
        b"\xC5?0123456789abcdef",
        &[0xC5; 4096],
    ];
    for bytes in cases {
        redis.set_bytes(&Service::entry("k"), bytes);
        is_replaced(&service, &mut admin, "k").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_megabytes_of_garbage_are_a_miss_and_are_replaced() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(redis.cache());
    // Less of this: it is read to its end, by a checksum that takes its time in a debug build.
    let mut like_a_value = vec![0xA7; 256 << 10];
    like_a_value[..2].copy_from_slice(b"\xC5V");
    for bytes in [vec![b'x'; 5 << 20], like_a_value] {
        redis.set_bytes(&Service::entry("k"), &bytes);
        // Reading that much may take longer than the deadline: then the body runs, and a later call replaces it.
        let fresh = service.write();
        assert_eq!(service.uncached("k").await.value, fresh);
        service.until_hit("k").await;
        assert_eq!(service.hit("k").await, fresh);
        let length: usize = admin.run(&["STRLEN", &Service::entry("k")]).expect("STRLEN");
        assert!(length < 100, "{length} bytes");
    }
}
