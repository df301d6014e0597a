//! How clusters and sentinels are named.

use cached_runtime::Cache;

fn refused(url: &str) -> String {
    let builder = Cache::builder().redis(url);
    let debug = format!("{builder:?}");
    let error = builder.build().expect_err(url);
    format!("{debug} {error} {error:?}")
}

#[tokio::test]
async fn a_cluster_and_a_sentinel_are_understood_as_urls() {
    for url in [
        "redis+cluster://one:7000,two:7001/",
        "redis+cluster://user:secret@one:7000,two,[::1]:7002",
        "redis-cluster://one/0",
        "rediss+cluster://one:7000,two:7001",
        "valkey+cluster://one",
        "redis+sentinel://one:26379,two/mymaster",
        "redis+sentinel://:secret@one,[::1],two:26380/mymaster/2",
        "redis-sentinel://one/mymaster",
        "rediss+sentinel://one/mymaster",
    ] {
        Cache::builder().redis(url).build().unwrap_or_else(|error| panic!("{url}: {error}"));
    }
}

#[test]
fn what_is_missing_is_said() {
    for (url, words) in [
        ("redis+sentinel://one:26379", "the master's name is missing"),
        ("redis+cluster://one/3", "a cluster has one database"),
        ("redis+cluster://one,two:port/", "does not parse"),
    ] {
        let error = refused(url);
        assert!(error.contains(words), "{url} gave {error}");
    }
    let error = Cache::builder().cluster(Vec::<String>::new()).build().expect_err("no server");
    assert!(error.to_string().contains("at least one server"), "{error}");
    let error = Cache::builder().sentinel(["unix:/tmp/s"], "mymaster").build().expect_err("no port");
    assert!(error.to_string().contains("hosts and ports"), "{error}");
}

#[test]
fn no_password_is_ever_printed() {
    for url in [
        "redis+cluster://user:hunter2@one:port,two/",
        "redis+cluster://user:hunter2@one,two/7",
        "redis+sentinel://user:hunter2@one",
        "redis+sentinel://user:hunter2@one:port/mymaster",
    ] {
        let printed = refused(url);
        assert!(!printed.contains("hunter2"), "{url} printed {printed}");
    }
    let cluster = Cache::builder().cluster(["redis://user:hunter2@one/"]);
    let sentinel = Cache::builder().sentinel(["redis://user:hunter2@one/"], "mymaster");
    for builder in [cluster, sentinel] {
        let printed = format!("{builder:?} {:?}", builder.clone().build().expect("a cache"));
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
