//! A cluster of the tests' own: three masters, each with a replica.

use std::path::Path;
use std::time::{Duration, Instant};

use cached_runtime::{Builder, Cache};
use redis_test::utils::TlsFilePaths;

use crate::server::{Server, free_port};

const SETTINGS: &[&str] = &[
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    // Else the whole cluster refuses to answer while one master is away.
    "--cluster-require-full-coverage",
    "no",
    "--cluster-replica-validity-factor",
    "0",
    "--repl-diskless-sync-delay",
    "0",
];

pub struct Nodes {
    /// Three masters, then their replicas in the same order.
    pub servers: Vec<Server>,
}

/// Waits for something that must come, and says what did not.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Nodes {
    /// With replicas, for those that end a master.
    pub fn start() -> Self {
        Self::of(6)
    }

    /// Three masters alone.
    pub fn masters() -> Self {
        Self::of(3)
    }

    fn of(count: usize) -> Self {
        Self::joined((0..count).map(|_| Server::start(SETTINGS)).collect())
    }

    /// Three masters that speak TLS with each other, and with clients at ports of their own.
    pub fn encrypted(certificates: &TlsFilePaths) -> (Self, Vec<u16>) {
        let path = |path: &Path| path.display().to_string();
        let (own, key) = (path(&certificates.redis_crt), path(&certificates.redis_key));
        let authority = path(&certificates.ca_crt);
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let server = |port: &u16| {
            let port = port.to_string();
            let mut settings = SETTINGS.to_vec();
            settings.extend(["--tls-port", &port, "--tls-cluster", "yes", "--tls-auth-clients", "no"]);
            settings.extend(["--tls-cert-file", &own, "--tls-key-file", &key, "--tls-ca-cert-file", &authority]);
            Server::start(&settings)
        };
        (Self::joined(ports.iter().map(server).collect()), ports)
    }

    fn joined(servers: Vec<Server>) -> Self {
        let count = servers.len();
        let nodes = Self { servers };
        for (at, server) in nodes.servers.iter().enumerate() {
            server.must::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        for (master, (first, last)) in [(0, 5460), (5461, 10_922), (10_923, 16_383)].into_iter().enumerate() {
            // One by one: Redis 6.2 knows no ranges.
            let slots: Vec<String> = (first..=last).map(|slot: u16| slot.to_string()).collect();
            let words: Vec<&str> =
                ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
            nodes.servers[master].must::<()>(&words);
        }
        let agreed = |server: &Server| {
            let info: String = server.must(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{count}"))
        };
        let mut met: Option<Instant> = None;
        until("the servers know each other", || {
            // On a busy machine a handshake may take longer than it is given: then it is done again.
            if met.is_none_or(|at| at.elapsed() > Duration::from_secs(2)) {
                nodes.meet();
                met = Some(Instant::now());
            }
            nodes.servers.iter().all(agreed)
        });
        for at in 3..count {
            let master: String = nodes.servers[at - 3].must(&["CLUSTER", "MYID"]);
            nodes.servers[at].must::<()>(&["CLUSTER", "REPLICATE", &master]);
        }
        for at in 3..count {
            until("a replica follows its master", || {
                nodes.servers[at].must::<String>(&["INFO", "replication"]).contains("master_link_status:up")
            });
        }
        // A replica that its own master's peers have not heard of is not elected.
        until("everybody knows who follows whom", || {
            nodes.servers.iter().all(|server| {
                server.must::<String>(&["CLUSTER", "NODES"]).matches(" slave ").count()
                    + server.must::<String>(&["CLUSTER", "NODES"]).matches("myself,slave").count()
                    == count - 3
            })
        });
        nodes
    }

    fn meet(&self) {
        for server in &self.servers[1..] {
            let info: String = server.must(&["CLUSTER", "NODES"]);
            let own = info.lines().find(|line| line.contains("myself")).expect("itself");
            // `id host:port@bus ...`
            let bus = own.split_once('@').and_then(|(_, rest)| rest.split([',', ' ']).next()).expect("a port");
            self.servers[0].must::<()>(&["CLUSTER", "MEET", "127.0.0.1", &server.port.to_string(), bus]);
        }
    }

    pub fn builder(&self) -> Builder {
        Cache::builder().cluster(self.servers.iter().map(Server::url)).prefix("test")
    }

    pub fn cache(&self) -> Cache {
        self.builder().build().expect("a cache")
    }

    /// The same with so much patience that a count of loads does not depend on how busy this machine is.
    pub fn patient(&self) -> Cache {
        self.builder().timeout(Duration::from_secs(2)).build().expect("a cache")
    }

    pub fn slot(&self, key: &str) -> u16 {
        self.servers[2].must(&["CLUSTER", "KEYSLOT", key])
    }

    /// Which of the three masters of the beginning holds a key of [`crate::service::Service`].
    pub fn master_of(&self, id: &str) -> usize {
        usize::from(self.slot(&crate::service::Service::entry(id))) * 3 / 16_384
    }

    /// So many ids whose rows this master holds.
    pub fn ids_of(&self, master: usize, count: usize) -> Vec<String> {
        (0..).map(|id| format!("{id}")).filter(|id| self.master_of(id) == master).take(count).collect()
    }
}
