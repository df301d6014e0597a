//! Users and passwords, in a cluster and with sentinels.

use std::time::Duration;

use cached_runtime::{Cache, Health};

use crate::nodes::Nodes;
use crate::server::Server;
use crate::service::Service;

/// Enough keys that every master has some.
const MANY: usize = 60;

/// From here on only this user may do anything.
fn lock(server: &Server) {
    server.must::<()>(&["ACL", "SETUSER", "shop", "on", ">hunter2", "~*", "&*", "+@all"]);
    server.must::<()>(&["ACL", "SETUSER", "default", "off"]);
}

fn cache(url: &str) -> Cache {
    Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2)).build().expect("a cache")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_master_of_a_cluster_is_given_the_user_and_the_password_that_need_no_more_than_documented() {
    let nodes = Nodes::masters();
    for server in &nodes.servers {
        let mut words = crate::support::documented_user();
        words.extend(["+cluster|nodes", "+asking"]);
        server.must::<()>(&words);
        server.must::<()>(&["ACL", "SETUSER", "default", "off"]);
    }
    // Only one is named: the others are found.
    let one = nodes.servers[0].port;
    let service = Service::over(cache(&format!("redis+cluster://cache:password@127.0.0.1:{one}/"))).mutex();
    let service = service.loading_for(Duration::ZERO);
    for id in 0..MANY {
        service.until_hit(&id.to_string()).await;
    }
    assert_eq!(service.cache.health(), Health::Up);
    service.invalidate("1").await.expect("an invalidation");

    for login in ["", "cache:wrong@", ":password@"] {
        let service = Service::over(cache(&format!("redis+cluster://{login}127.0.0.1:{one}/")));
        for id in ["1", "2", "3"] {
            assert!(service.read(id).await.loaded, "`{login}` is let in");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_want_the_user_and_the_password_are_given_them() {
    let master = Server::start(&[]);
    lock(&master);
    let watch = format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1\nsentinel auth-user mymaster shop\nsentinel auth-pass mymaster hunter2\n",
        master.port
    );
    let sentinel = Server::sentinel(&watch);
    lock(&sentinel);
    let list = format!("127.0.0.1:{}/mymaster", sentinel.port);
    let service = Service::over(cache(&format!("redis+sentinel://shop:hunter2@{list}"))).mutex();
    service.until_hit("k").await;
    assert_eq!(service.cache.health(), Health::Up);

    let locked_out = Service::over(cache(&format!("redis+sentinel://shop:wrong@{list}")));
    assert!(locked_out.read("k").await.loaded);
}
