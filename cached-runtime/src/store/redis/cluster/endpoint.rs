//! `host:port`, as a cluster's servers say it of each other. Hosts may be IPv6 addresses without brackets: the port is
//! behind the last colon.

pub(crate) fn split(endpoint: &str) -> Option<(&str, u16)> {
    let (host, port) = endpoint.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

/// Where a `MOVED` or an `ASK` sends us. A server that was never told a host leaves it out, and means that of the one
/// that was asked.
pub(crate) fn redirected<'e>(endpoint: &'e str, asked: &'e str) -> Option<(&'e str, u16)> {
    let (host, port) = split(endpoint)?;
    Some((if matches!(host, "" | "?") { asked } else { host }, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirection_names_a_host_of_any_kind_or_means_the_one_that_was_asked() {
        for (endpoint, host) in
            [("10.0.0.1:7000", "10.0.0.1"), ("one.example:7000", "one.example"), ("::1:7000", "::1")]
        {
            assert_eq!(redirected(endpoint, "asked"), Some((host, 7000)), "{endpoint}");
        }
        for endpoint in [":7000", "?:7000"] {
            assert_eq!(redirected(endpoint, "fd00::2"), Some(("fd00::2", 7000)), "{endpoint}");
        }
        for endpoint in ["", "7000", "host:", "host:65536", "host:x"] {
            assert_eq!(redirected(endpoint, "asked"), None, "{endpoint}");
        }
    }
}
