//! A wall clock that is set while the cache is at work. Expiry is Redis's, deadlines and leases go by a clock that
//! nobody sets: an hour forth or back on one machine is not to be noticed by anybody.
//!
//! By libfaketime, which `scripts/test` installs where it can. Without it there is nothing to set.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cached_runtime::{Cache, Policy, key};

use crate::child::{self, Child};
use crate::service::{Service, patient};
use crate::support::Redis;

const LEASE: Duration = Duration::from_millis(300);

fn library() -> Option<PathBuf> {
    let directories = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    directories
        .iter()
        .map(|directory| PathBuf::from(directory).join("faketime/libfaketime.so.1"))
        .find(|it| it.exists())
}

/// The child's part: says what it reads, and how many hours its clock has been set forth, as often as it is asked to.
async fn read_when_told(url: &str) {
    let patient = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2));
    let cache = patient.build().expect("a cache");
    let policy = Policy::ttl(Duration::from_secs(60)).mutex().lease(LEASE);
    let began = (SystemTime::now(), std::time::Instant::now());
    child::say("ready");
    loop {
        let id = child::listen().await;
        if id == "end" {
            return;
        }
        let value = cache.get_or_load(key!("row:<id>"), policy, || async {
            child::say("loading");
            child::listen().await;
            Ok::<_, std::convert::Infallible>(7_u64)
        });
        let Ok(value) = value.await;
        let ran = began.1.elapsed().as_secs_f64();
        let passed = match SystemTime::now().duration_since(began.0) {
            Ok(passed) => passed.as_secs_f64(),
            Err(back) => -back.duration().as_secs_f64(),
        };
        child::say(&format!("{value} at {:.0} h", (passed - ran) / 3_600.0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_forth_or_back_on_one_machine_changes_nothing() {
    if let Some(arguments) = child::arguments() {
        return read_when_told(&arguments[0]).await;
    }
    let Some(library) = library() else {
        eprintln!("NOT RUN: there is no libfaketime here to set a clock with; scripts/test installs it");
        return;
    };
    let redis = Redis::start();
    let time = std::env::temp_dir().join(format!("cached-test-clock-{}", std::process::id()));
    let set = |hours: i32| std::fs::write(&time, format!("{hours:+}h\n")).expect("a file");
    set(0);
    let this = "clock::an_hour_forth_or_back_on_one_machine_changes_nothing";
    let environment = [
        ("LD_PRELOAD", library.to_str().expect("a path")),
        ("FAKETIME_TIMESTAMP_FILE", time.to_str().expect("a path")),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let mut child = Child::of(this, &[&redis.url()], &environment);
    assert_eq!(child.says().await, "ready");
    let service = Service::over(patient(&redis)).mutex().lease(LEASE);
    let mut read = async |id: &str, hours: i32| {
        child.tell(id);
        assert_eq!(child.says().await, format!("{} at {hours} h", service.hit(id).await), "`{id}`");
    };

    // What others stored is a hit, whichever way the clock is set.
    service.until_hit("theirs").await;
    for hours in [0, 1, -1, 0] {
        set(hours);
        read("theirs", hours).await;
    }
    // What it loads while its clock is set is loaded once, over three leases, and is a hit for all.
    for (id, hours) in [("forth", 1), ("back", -1)] {
        set(0);
        child.tell(id);
        assert_eq!(child.says().await, "loading");
        set(hours);
        tokio::time::sleep(LEASE * 3).await;
        child.tell("go on");
        assert_eq!(child.says().await, format!("7 at {hours} h"));
        assert_eq!(service.hit(id).await, 7);
        let left: i64 = redis.command(&["PTTL", &Service::entry(id)]);
        assert!((50_000..=60_000).contains(&left), "`{id}` stays for {left} ms");
        // And what is invalidated then is not served by it.
        service.write();
        service.invalidate(id).await.expect("a server");
        service.until_hit(id).await;
        child.tell(id);
        assert_eq!(child.says().await, format!("{} at {hours} h", service.hit(id).await));
    }
    child.tell("end");
    child.end().await;
    let _ = std::fs::remove_file(&time);
}
