//! What a cache stores in: a URL, or several, and what they mean together.

use super::address::Address;
#[cfg(feature = "sentinel")]
use super::sentinel::Sentinels;
use crate::error::Error;

/// One server, a cluster, or the master that sentinels name.
#[derive(Debug)]
pub(crate) enum Target {
    One(Address),
    /// The first of its servers, and others.
    #[cfg(feature = "cluster")]
    Cluster(Address, Vec<Address>),
    #[cfg(feature = "sentinel")]
    Watched(Sentinels),
}

impl Target {
    /// `redis://host`, `redis+cluster://host,host` or `redis+sentinel://host,host/master`.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = url.split_once("://") else { return Address::parse(url).map(Self::One) };
        let Some((scheme, kind)) = scheme.split_once(['+', '-']) else { return Address::parse(url).map(Self::One) };
        match kind {
            "cluster" => {
                let (servers, path) = servers(scheme, rest);
                if !matches!(path, "" | "0") {
                    return Err(Error::Url("a cluster has one database: nothing stands behind its servers".to_owned()));
                }
                Self::cluster(servers)
            }
            "sentinel" => {
                let (servers, path) = servers(scheme, rest);
                let (master, database) = path.split_once('/').unwrap_or((path, ""));
                let with_database =
                    |server: String| if database.is_empty() { server } else { format!("{server}{database}") };
                Self::sentinel(servers.into_iter().map(with_database).collect(), master.to_owned())
            }
            _ => Address::parse(url).map(Self::One),
        }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster(urls: Vec<String>) -> Result<Self, Error> {
        let mut servers = urls.iter().map(|url| match Address::parse(url)? {
            server if server.host_and_port().is_none() => {
                Err(Error::Url("a cluster's servers have hosts and ports".to_owned()))
            }
            server if server.database() != 0 => Err(Error::Url("a cluster has no databases but 0".to_owned())),
            server => Ok(server),
        });
        let first = servers.next().ok_or_else(|| Error::Url("a cluster needs at least one server".to_owned()))??;
        Ok(Self::Cluster(first, servers.collect::<Result<_, _>>()?))
    }

    #[cfg(not(feature = "cluster"))]
    pub(crate) fn cluster(_: Vec<String>) -> Result<Self, Error> {
        Err(Error::Feature { feature: "cluster", wanted: "a Redis Cluster".to_owned() })
    }

    #[cfg(feature = "sentinel")]
    pub(crate) fn sentinel(urls: Vec<String>, master: String) -> Result<Self, Error> {
        if master.is_empty() {
            return Err(Error::Url("the master's name is missing: `redis+sentinel://host:26379/mymaster`".to_owned()));
        }
        let mut sentinels = Vec::with_capacity(urls.len());
        for url in &urls {
            let sentinel = Address::parse(&ported(url))?;
            if sentinel.host_and_port().is_none() {
                return Err(Error::Url("sentinels have hosts and ports".to_owned()));
            }
            sentinels.push(sentinel);
        }
        if sentinels.is_empty() {
            return Err(Error::Url("at least one sentinel is needed".to_owned()));
        }
        Ok(Self::Watched(Sentinels::new(sentinels, master)))
    }

    #[cfg(not(feature = "sentinel"))]
    pub(crate) fn sentinel(_: Vec<String>, _: String) -> Result<Self, Error> {
        Err(Error::Feature { feature: "sentinel", wanted: "a master that sentinels name".to_owned() })
    }
}

/// Each server of a list by a URL of its own, with the credentials in front of the first; and what stands behind.
fn servers<'u>(scheme: &str, rest: &'u str) -> (Vec<String>, &'u str) {
    // A password may hold anything but these, which have to be escaped in it.
    let (list, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, list) = list.rsplit_once('@').map_or(("", list), |(login, list)| (login, list));
    let at = if login.is_empty() { "" } else { "@" };
    (list.split(',').map(|server| format!("{scheme}://{login}{at}{server}/")).collect(), path)
}

/// With the port of sentinels where there is none.
#[cfg(feature = "sentinel")]
fn ported(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    let has_port = server.rsplit_once(']').map_or(server, |(_, behind)| behind).contains(':');
    format!("{scheme}://{authority}{}/{path}", if has_port { "" } else { ":26379" })
}

#[cfg(all(test, not(all(feature = "cluster", feature = "sentinel"))))]
mod tests {
    use super::*;

    /// The feature that is asked for, where the password is not printed.
    fn wanted(target: Result<Target, Error>) -> &'static str {
        match target {
            Err(error @ Error::Feature { feature, .. }) => {
                let printed = format!("{error} {error:?}");
                assert!(printed.contains(&format!("`{feature}`")) && !printed.contains("hunter2"), "{printed}");
                feature
            }
            other => panic!("{other:?}"),
        }
    }

    #[cfg(not(feature = "cluster"))]
    #[test]
    fn a_cluster_without_its_feature_names_it() {
        assert_eq!(wanted(Target::parse("redis+cluster://user:hunter2@one:7000,two/")), "cluster");
        assert_eq!(wanted(Target::cluster(vec!["redis://user:hunter2@one".to_owned()])), "cluster");
    }

    #[cfg(not(feature = "sentinel"))]
    #[test]
    fn sentinels_without_their_feature_name_it() {
        assert_eq!(wanted(Target::parse("redis+sentinel://user:hunter2@one,two/mymaster")), "sentinel");
        let sentinels = vec!["redis://user:hunter2@one".to_owned()];
        assert_eq!(wanted(Target::sentinel(sentinels, "mymaster".to_owned())), "sentinel");
    }
}
