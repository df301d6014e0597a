//! What one server of a cluster says about all of them: the answer to `CLUSTER NODES`.
//!
//! Not `CLUSTER SLOTS` or `CLUSTER SHARDS`: those do not say how new a claim is. Here each server comes with its
//! *config epoch*, and of two that claim a slot the one with the higher is right: it is Redis's own rule.

use std::collections::HashSet;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) masters: Vec<Master>,
    /// The ids of all servers, replicas included.
    pub(crate) ids: HashSet<String>,
}

/// A server with slots.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Master {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) config_epoch: u64,
    /// Ranges, both ends included.
    pub(crate) slots: Vec<(u16, u16)>,
}

impl View {
    /// `asked` is the host of the server that said it: one that was never told its own address leaves it out.
    /// `named`: by their names, which certificates are made out to, where they have any.
    pub(crate) fn parse(text: &str, asked: &str, named: bool) -> Self {
        let mut view = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(id), Some(address), Some(flags)) = (words.next(), words.next(), words.next()) else { continue };
            view.ids.insert(id.to_owned());
            let mut flags = flags.split(',');
            if !flags.any(|flag| flag == "master") || flags.any(|flag| matches!(flag, "noaddr" | "handshake")) {
                continue;
            }
            let (address, rest) = address.split_once('@').unwrap_or((address, ""));
            let Some((host, port)) = address.rsplit_once(':') else { continue };
            let name = rest.split(',').nth(1).filter(|name| named && !name.is_empty());
            // Behind the master's name, `-` here: ping, pong, the epoch, the link, the slots.
            let (Ok(port), Some(config_epoch)) = (port.parse(), words.nth(3).and_then(|epoch| epoch.parse().ok()))
            else {
                continue;
            };
            let slots: Vec<_> = words.skip(1).filter_map(range).collect();
            if !slots.is_empty() {
                let host = name.unwrap_or(if host.is_empty() { asked } else { host });
                view.masters.push(Master { id: id.to_owned(), host: host.to_owned(), port, config_epoch, slots });
            }
        }
        view
    }
}

/// `5461-10922`, or one slot; not `[93->-id]`, a slot on its way.
fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < super::slot::SLOTS).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_with_slots_are_read_and_nothing_else() {
        let text = "\
            aa 10.0.0.1:6379@16379,one.example myself,master - 0 1700 7 connected 0-5460 9000 [93-<-bb] [94->-bb]\n\
            bb :6380@16380 master - 0 1700 3 connected 5461-8999\n\
            cc 10.0.0.3:6379@16379 slave aa 0 1700 7 connected\n\
            dd 10.0.0.4:6379@16379 master,fail - 1 1700 2 disconnected 9001-16383\n\
            ee 10.0.0.5:6379@16379 master - 0 1700 0 connected\n\
            ff :0@0 master,noaddr - 0 1700 1 disconnected 1-2\n\
            garbage\n";
        let view = View::parse(text, "10.0.0.9", false);
        let read: Vec<_> = view.masters.iter().map(|it| (&*it.id, &*it.host, it.port, it.config_epoch)).collect();
        assert_eq!(read, [("aa", "10.0.0.1", 6379, 7), ("bb", "10.0.0.9", 6380, 3), ("dd", "10.0.0.4", 6379, 2)],);
        assert_eq!(view.masters[0].slots, [(0, 5460), (9000, 9000)]);
        assert!(view.ids.contains("cc"));
        assert_eq!(View::parse(text, "", true).masters[0].host, "one.example");
    }
}
