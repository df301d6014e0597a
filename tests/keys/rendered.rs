//! What keys look like: the renderings that are documented, and so must stay.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;

use cached_runtime::{Key, key};

fn of(key: Key) -> String {
    key.as_str().to_owned()
}

#[test]
fn numbers_bools_and_chars_are_as_they_print() {
    let (id, minus, wide, yes, letter) = (42_u8, -7_i64, i128::MIN, true, 'é');
    assert_eq!(of(key!("user:<id>")), "user:42");
    assert_eq!(of(key!("<minus>:<wide>")), "-7:-170141183460469231731687303715884105728");
    assert_eq!(of(key!("<yes>:<letter>")), "true:é");
    let nonzero = NonZero::new(5_u64).unwrap();
    assert_eq!(of(key!("<nonzero>")), "5");
}

#[test]
fn strings_are_escaped_where_they_would_mean_something() {
    let (org, name) = (7, "a:b");
    assert_eq!(of(key!("org:<org>:<name>")), "org:7:a%3Ab");
    let plain = "bob+test@example.com/A-Z_0.9é";
    assert_eq!(of(key!("<plain>")), plain);
    let escaped = ":<>{}*?[]%~(), \n\u{a0}";
    assert_eq!(of(key!("<escaped>")), "%3A%3C%3E%7B%7D%2A%3F%5B%5D%25%7E%28%29%2C%20%0A%C2%A0");
    let dashed = "a-b";
    assert_eq!(of(key!("<dashed>:x")), "a-b:x");
    assert_eq!(of(key!("<dashed>-x")), "a%2Db-x", "the character that ends the place");
}

#[test]
fn none_differs_from_an_empty_string_and_sequences_are_delimited() {
    let (none, empty, some) = (None::<&str>, Some(""), Some("x"));
    assert_eq!([of(key!("<none>")), of(key!("<empty>")), of(key!("<some>"))], ["~", "", "x"]);
    let (nested, deeper) = (Some(None::<u8>), Some(Some(None::<u8>)));
    assert_eq!([of(key!("<nested>")), of(key!("<deeper>"))], ["~~", "~~~"]);
    let (nothing, one_empty, two) = (Vec::<&str>::new(), vec![""], ["a", "b,c"]);
    assert_eq!([of(key!("<nothing>")), of(key!("<one_empty>")), of(key!("<two>"))], ["()", "(,)", "(a,b%2Cc,)"]);
    let tuple = (1, ("a", None::<u8>), [true, false]);
    assert_eq!(of(key!("<tuple>")), "(1,(a,~,),(true,false,),)");
    let slice: &[u8] = &[1, 2];
    assert_eq!(of(key!("<slice>:<tuple.1>")), "(1,2,):(a,~,)");
}

#[test]
fn adjacent_places_are_parted() {
    let (a, b) = ("x", "y,z");
    assert_eq!(of(key!("<a><b>")), "x,y%2Cz");
}

#[test]
fn braces_are_literal_and_doubled_brackets_are_single_ones() {
    let id = 42;
    assert_eq!(of(key!("{user:<id>}:profile")), "{user:42}:profile");
    assert_eq!(of(key!("<<<id>>>")), "<42>");
    assert_eq!(of(key!("a << b >> <id>")), "a < b > 42");
    assert_eq!(of(key!("no places")), "no places");
}

#[test]
fn references_and_pointers_are_what_they_point_to() {
    let text = "a:b".to_owned();
    let (boxed, rc, arc, cow) = (text.clone().into_boxed_str(), Rc::new(text.clone()), Arc::new(7), Cow::from(&text));
    let twice = &&text;
    assert_eq!(of(key!("<text>:<boxed>:<rc>:<arc>:<cow>:<twice>")), "a%3Ab:a%3Ab:a%3Ab:7:a%3Ab:a%3Ab");
    let address = IpAddr::from(Ipv6Addr::LOCALHOST);
    assert_eq!(of(key!("<address>")), "%3A%3A1");
}

#[test]
fn fields_indices_and_getters_are_places() {
    struct Page {
        number: u32,
        sort: (&'static str, bool),
    }
    impl Page {
        fn size(&self) -> u32 {
            20
        }
    }
    let page = Page { number: 3, sort: ("name", true) };
    assert_eq!(of(key!("page:<page.number>:<page.sort.0>:<page.sort.1>:<page.size()>")), "page:3:name:true:20");
}

#[test]
fn a_hashed_place_is_128_bits_of_any_serializable_value() {
    #[derive(serde::Serialize)]
    struct Filter {
        min: f64,
        tags: HashMap<String, Option<u8>>,
    }
    let filter = |entries: std::ops::Range<u8>, min: f64| {
        let tags = entries.map(|n| (n.to_string(), Some(n))).collect();
        let filter = Filter { min, tags };
        key!("search:<filter|hash>:x")
    };
    let one = filter(0..50, 0.5);
    let hash = one.as_str().strip_prefix("search:").unwrap().strip_suffix(":x").unwrap();
    assert_eq!(hash.len(), 32);
    assert!(hash.chars().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(filter(0..50, 0.5), one, "whatever the order of the map");
    assert_ne!(filter(0..51, 0.5), one);
    assert_ne!(filter(0..50, 0.6), one);
}

#[test]
fn a_long_key_keeps_its_beginning_and_ends_in_a_hash() {
    let exact = "x".repeat(195);
    assert_eq!(of(key!("user:<exact>")), format!("user:{exact}"));
    let long = "x".repeat(196);
    let key = of(key!("user:<long>"));
    assert_eq!(key.len(), 200);
    let (beginning, hash) = key.rsplit_once("%#").unwrap();
    assert_eq!(beginning, format!("user:{}", "x".repeat(161)));
    assert_eq!(hash.len(), 32);
    let wide = "é".repeat(200);
    assert!(of(key!("user:<wide>")).len() <= 200);
}
