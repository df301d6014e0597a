use super::*;
use crate::key::KeyWriter;

#[test]
fn no_key_is_named_as_a_tag_or_the_epoch_is() {
    for prefix in ["", "shop"] {
        let cache = Cache::over(None, prefix.to_owned(), Setting::default()).into_inner();
        let key = |text: &str| Key::from(KeyWriter::new(text));
        let tag = cache.tag_key(&key("org:1"));
        let names = ["org:1", "tag:org:1", "%tag:org:1", "%25tag:org:1", "%epoch", "%25epoch"]
            .map(|text| cache.store_key(&key(text)));
        let epoch = cache.epoch.keys().next().cloned().expect("its own");
        let mut all = [&names[..], &[tag, epoch]].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{all:?}");
        assert!(all.iter().all(|name| prefix.is_empty() || name.starts_with("shop:")));
    }
}
