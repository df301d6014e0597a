//! What the fuzzers do with their bytes; the tests do the same with those that the fuzzers kept. A panic is a finding.
#![allow(dead_code, reason = "each fuzzer uses its own part")]

use std::cell::OnceCell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cached_runtime::hostile::{self, Kind};
use cached_runtime::store::{Filling, Store};
use cached_runtime::{Cache, Policy, key};
use tokio::runtime::Runtime;

/// The least that a builder takes: so small that inputs of both kinds are found.
pub const LIMIT: usize = 1_024;

/// No URL has it but in its password.
const SECRET: &str = "hunter2hunter2";

/// What a key holds: as it is, and with a check that is right.
pub fn entry(data: &[u8]) {
    let mut bytes = data.to_vec();
    assert!(data.len() <= LIMIT || read(&bytes) == Kind::Corrupt, "over the limit");
    read(&bytes);
    hostile::seal(&mut bytes);
    let sealed = matches!(read(&bytes), Kind::Value { .. });
    assert_eq!(sealed, (hostile::HEADER..=LIMIT).contains(&data.len()), "{} bytes", data.len());
}

/// Whether the same with a right check is an entry that something can be decoded from.
pub fn is_decoded(data: &[u8]) -> bool {
    let mut bytes = data.to_vec();
    hostile::seal(&mut bytes);
    matches!(read(&bytes), Kind::Value { decoded: 1.. })
}

fn read(bytes: &[u8]) -> Kind {
    hostile::entry(&Bytes::copy_from_slice(bytes), LIMIT)
}

thread_local! {
    /// Its clock jumps to whatever is waited for.
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

fn run(test: impl Future<Output = ()>) {
    RUNTIME.with(|runtime| {
        let build = || {
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
        };
        runtime.get_or_init(build).block_on(test);
    });
}

/// The stamp of everything: an entry that does not carry it is as good as gone.
pub const EPOCH: u64 = u64::from_le_bytes(*b"epoch!!!");

/// A whole call of a cached function whose key somebody has put these bytes under; the first says whether with a right
/// check. It has its body's value or one that was stored, once, and afterwards the key is as good as any.
pub fn lookup(data: &[u8]) {
    is_hit(data);
}

/// The same, and whether it had a value that was stored.
pub fn is_hit(data: &[u8]) -> bool {
    let Some((first, rest)) = data.split_first() else { return false };
    let mut bytes = rest.to_vec();
    if first % 2 == 1 {
        hostile::seal(&mut bytes);
    }
    let mut loads = 0;
    run(async {
        let (cache, store) = cache();
        put(&*store, "%epoch", &EPOCH.to_le_bytes()).await;
        put(&*store, "row", &bytes).await;
        let policy = Policy::ttl(Duration::from_secs(60)).mutex();
        let load = async || {
            loads += 1;
            Ok::<_, Infallible>("from the database".to_owned())
        };
        let Ok(answer) = cache.get_or_load(key!("row"), policy, load).await;
        assert!(loads <= 1, "{loads} loads");
        assert!(loads == 0 || answer == "from the database", "{answer}");
        assert!(loads == 1 || bytes.len() <= LIMIT, "decoded although it is over the limit");
        let _whatever = cache.get::<Vec<u64>>(&key!("row")).await;
        cache.invalidate(&key!("row")).await.expect("in memory");
        let Ok(fresh) = cache.get_or_load(key!("row"), policy, async || Ok::<_, Infallible>("fresh".to_owned())).await;
        assert_eq!(fresh, "fresh");
    });
    loads == 0
}

/// A cache, and the store below it.
fn cache() -> (Cache, Arc<dyn Store>) {
    let below = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&below);
    let builder = Cache::builder().prefix("").max_value(LIMIT).wrap_store(move |store| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&store));
        store
    });
    let cache = builder.build().expect("a cache");
    let store = below.lock().unwrap_or_else(PoisonError::into_inner).take();
    (cache, store.expect("the builder has made one"))
}

async fn put(store: &dyn Store, key: &str, bytes: &[u8]) {
    let filling = Filling { value: Bytes::copy_from_slice(bytes), px: None, tags: Vec::new() };
    store.put(key, &filling).await.expect("in memory");
}

/// What servers of a cluster say: two views, with a zero byte between them, and a redirection.
pub fn cluster(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, then) = text.split_once('\0').unwrap_or((&text, ""));
    hostile::topology(first, then);
    if let Some((host, _)) = hostile::redirection(&text) {
        assert!(!host.is_empty(), "sent to nobody");
    }
}

/// A URL, or what is behind its credentials, or in them: no panic, and the password in nothing that is printed.
pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains("hunter2") {
        return;
    }
    let plain = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (scheme, rest) = text.split_once("://").filter(|(scheme, _)| plain(scheme)).unwrap_or(("redis", &text));
    for url in [
        text.to_string(),
        format!("{scheme}://user:{SECRET}@{rest}"),
        format!("{scheme}://user:{SECRET}{rest}@host,host:1/name"),
        format!("unix:/run/{rest}?user=user&pass={SECRET}"),
    ] {
        let one = Cache::builder().redis(&*url);
        let several = Cache::builder().cluster([&*url, "redis://host"]);
        let watched = Cache::builder().sentinel([&*url], rest);
        for builder in [one, several, watched] {
            let printed = match builder.clone().build() {
                Ok(cache) => format!("{builder:?} {cache:?} {:?}", cache.health()),
                Err(error) => format!("{builder:?} {error} {error:?}"),
            };
            assert!(!printed.contains(SECRET), "{url} is printed as {printed}");
        }
    }
}
