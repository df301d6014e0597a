//! The page itself. It has no figures: its script asks for them.

const PAGE: &str = include_str!("../page/index.html");

/// What stands in the page for [`base`].
const BASE: &str = "{base}";

/// The page as it is at this path.
pub(crate) fn at(path: &str) -> String {
    PAGE.replacen(BASE, &base(path), 1)
}

/// What the page's own addresses are relative to. To the page's, not to the server's root: what is in front of the
/// application may have taken a part of the path away. `/cache` and `/cache/` are the same place, and only in the second
/// is `stats.json` what it looks like.
fn base(path: &str) -> String {
    match path.rsplit('/').next() {
        None | Some("") => "./".to_owned(),
        Some(last) => format!("./{}/", escaped(last)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_where_the_page_is_mounted() {
        assert_eq!(base("/"), "./");
        assert_eq!(base("/cache"), "./cache/");
        assert_eq!(base("/cache/"), "./");
        assert_eq!(base("/admin/the:cache"), "./the:cache/");
        assert_eq!(base("/a&b\"><script>"), "./a&amp;b&quot;&gt;&lt;script&gt;/");
    }

    #[test]
    fn the_page_has_one_place_for_it_and_no_script_of_its_own() {
        assert_eq!(PAGE.matches(BASE).count(), 1);
        for tag in PAGE.split('<').filter(|tag| tag.starts_with("script")) {
            assert!(tag.contains(" src=") && tag.ends_with('>'), "<{tag}");
        }
        assert!(!PAGE.contains("<style") && !PAGE.contains(" style=") && !PAGE.contains("//"), "{PAGE}");
    }
}
