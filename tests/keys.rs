//! Keys: how arguments are written, and that different arguments never give one key.

#[path = "keys/rendered.rs"]
mod rendered;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use cached_runtime::{Key, KeyPart, key};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Every character that means something in keys, its neighbours, and what escapes are made of.
const ALPHABET: &[char] = &[
    ':', '<', '>', '{', '}', '*', '?', '[', ']', '%', '~', '(', ')', ',', '-', ' ', '\n', '\0', '2', '5', '7', 'A',
    'C', 'E', 'a', 'e', 'x', '#', '/', 'é', '\u{a0}',
];

/// Short strings of few characters, so that tuples come close to each other often.
fn text() -> impl Strategy<Value = String> + Clone {
    vec(prop::sample::select(ALPHABET), 0..4).prop_map(|chars| chars.into_iter().collect())
}

/// Small numbers, whose digits and signs may be taken for a template's.
fn number() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![-130..130_i64, Just(i64::MIN), Just(i64::MAX)]
}

/// All strings of at most `longest` of these characters.
fn all_strings(alphabet: &[char], longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
        all.extend_from_slice(&last);
    }
    all
}

/// Fails at the first two different arguments with one key.
fn assert_injective<A: Clone + Debug + Eq>(arguments: impl IntoIterator<Item = A>, render: impl Fn(&A) -> Key) {
    let mut seen: HashMap<Key, A> = HashMap::new();
    for arguments in arguments {
        let key = render(&arguments);
        if let Some(other) = seen.insert(key.clone(), arguments.clone()) {
            assert_eq!(arguments, other, "both are `{key}`");
        }
    }
}

/// Many random values; of small ones, many come close to each other.
fn random<S: Strategy>(values: S) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..3_000).map(|_| values.new_tree(&mut runner).expect("a value").current()).collect()
}

/// One template, two strings: every pair of strings of one or two characters out of few, and random longer ones.
macro_rules! two_strings {
    // The names stand where the templates do: a template sees what its own author sees.
    ($a:ident, $b:ident; $($name:ident: $template:literal;)*) => {$(
        #[test]
        fn $name() {
            // The template's own characters are those that could end a part too soon.
            let mut few = vec!['%', '~', '2', '5'];
            few.extend($template.split(['<', '>']).skip(2).step_by(2).flat_map(str::chars).take(4));
            let all = all_strings(&few, 2);
            let pairs = all.iter().flat_map(|a| all.iter().map(move |b| (a.clone(), b.clone())));
            let render = |($a, $b): &(String, String)| key!($template);
            assert_injective(pairs, render);
            assert_injective(random((text(), text())), render);
        }
    )*};
}

mod different_strings_never_give_one_key {
    use super::*;

    two_strings! {
        a, b;
        at_adjacent_places: "<a><b>";
        between_colons: "k:<a>:<b>";
        around_a_letter: "k:<a>x<b>";
        around_letters: "k:<a>aa<b>a";
        around_a_digit: "<a>2<b>";
        around_the_digits_of_an_escape: "<a>25<b>";
        around_a_percent_sign: "<a>%<b>";
        around_two_percent_signs: "<a>%%<b>%";
        around_an_escape: "<a>%3A<b>%";
        around_a_dash: "<a>-<b>";
        around_a_tilde: "<a>~<b>";
        around_two_tildes: "<a>~~<b>~";
        around_a_comma: "<a>,<b>";
        around_parentheses: "<a>(<b>)";
        around_a_closing_parenthesis: "<a>)<b>";
        around_a_hash_sign: "<a>#<b>";
        around_braces: "{<a>}:{<b>}";
        around_brackets: "<a>[<b>]";
        around_a_letter_beyond_ascii: "<a>é<b>é";
        around_a_space: "<a> <b>";
        before_a_hash: "<a><b|hash>";
        after_a_hash: "<a|hash><b>";
        around_a_letter_after_a_hash: "<a|hash>a<b|hash>";
    }
}

mod different_values_never_give_one_key {
    use super::*;

    /// One template for values of every kind: ends with the value, and goes on with a character of each mark.
    fn assert_all_different<K, S>(values: S)
    where
        K: KeyPart + Clone + Debug + Eq + Hash,
        S: Strategy<Value = K> + Clone,
    {
        let pairs = random((values.clone(), values));
        assert_injective(pairs.clone(), |(a, b)| key!("<a><b>"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>:<b>"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>~<b>"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>~~<b>~"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>,<b>,"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>(<b>("));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>)<b>)"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>%<b>%"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>-<b>1"));
        assert_injective(pairs.clone(), |(a, b)| key!("<a>2<b>t"));
        assert_injective(pairs.clone(), |pair| key!("<pair>"));
        assert_injective(pairs.clone(), |pair| key!("<pair.0><pair.1>"));
    }

    #[test]
    fn of_numbers() {
        assert_all_different(number());
        assert_all_different(any::<u8>());
        assert_all_different(any::<i128>());
        assert_all_different(any::<usize>());
    }

    #[test]
    fn of_bools_and_chars() {
        assert_all_different(any::<bool>());
        assert_all_different(prop::sample::select(ALPHABET));
        assert_all_different(any::<char>());
    }

    #[test]
    fn of_options() {
        assert_all_different(option::of(text()));
        assert_all_different(option::of(option::of(number())));
        assert_all_different(option::of(option::of(option::of(text()))));
    }

    #[test]
    fn of_sequences() {
        assert_all_different(vec(text(), 0..3));
        assert_all_different(vec(vec(text(), 0..3), 0..3));
        assert_all_different(vec(option::of(text()), 0..3));
        assert_all_different(option::of(vec(option::of(number()), 0..3)));
        assert_all_different([text(), text()]);
    }

    #[test]
    fn of_tuples() {
        assert_all_different((text(), text()));
        assert_all_different((option::of(text()), (number(), vec(text(), 0..2)), any::<bool>()));
        assert_all_different(option::of((option::of(text()), option::of(text()))));
        assert_all_different(vec((text(), option::of(option::of(any::<bool>()))), 0..3));
    }

    #[test]
    fn of_mixed_kinds_side_by_side() {
        let mixed = random((option::of(text()), vec(text(), 0..3), number(), text()));
        assert_injective(mixed.clone(), |(a, b, c, d)| key!("<a><b><c><d>"));
        assert_injective(mixed.clone(), |(a, b, c, d)| key!("<a>(<b>-<c>~<d>"));
        assert_injective(mixed, |(a, b, c, d)| key!("k:<d>,<c>%<b>~<a>"));
    }

    #[test]
    fn of_hashed_places() {
        let nested = random((option::of(option::of(text())), vec(vec(number(), 0..3), 0..3)));
        assert_injective(nested.clone(), |value| key!("k:<value|hash>"));
        assert_injective(nested, |(a, b)| key!("<a|hash><b|hash>"));
        let texts = all_strings(&['a', 'b'], 3);
        let pairs = texts.iter().flat_map(|a| texts.iter().map(move |b| (a.clone(), b.clone())));
        assert_injective(pairs, |pair| key!("<pair|hash>"));
    }

    #[test]
    fn however_long() {
        // Of one length and with one beginning, so that only the hash at the end can tell them apart.
        let long = (vec(prop::sample::select(ALPHABET), 0..3), 0..300_usize, vec(prop::sample::select(ALPHABET), 0..3));
        let long = long.prop_map(|(head, length, tail)| {
            head.into_iter().chain(std::iter::repeat_n('x', length)).chain(tail).collect::<String>()
        });
        assert_injective(random((long.clone(), long)), |(a, b)| key!("<a>:<b>"));
    }
}

mod an_argument_cannot_forge {
    use super::*;

    proptest! {
        #[test]
        fn the_key_of_a_longer_template(id in text(), field in text()) {
            let forged = format!("{id}:{field}");
            prop_assert_ne!(key!("user:<forged>"), key!("user:<id>:<field>"));
            prop_assert_ne!(key!("user:<forged>"), key!("user:<id>:profile"));
        }

        #[test]
        fn its_way_out_of_its_place(id in ".{0,20}") {
            let key = key!("user:<id>");
            let written = key.as_str().strip_prefix("user:").unwrap();
            let means_something = |c: char| ":<>{}*?[]~(),".contains(c) || c.is_whitespace() || c.is_control();
            prop_assert!(!written.contains(means_something), "{key}");
        }

        #[test]
        fn an_absent_one(id in text()) {
            let (absent, none, empty) = (None::<String>, Vec::<String>::new(), String::new());
            let some = Some(&id);
            prop_assert_ne!(key!("user:<some>"), key!("user:<absent>"));
            prop_assert_ne!(key!("user:<id>"), key!("user:<absent>"));
            prop_assert_ne!(key!("user:<id>"), key!("user:<none>"));
            prop_assert_ne!(key!("user:<absent>"), key!("user:<empty>"));
        }

        #[test]
        fn a_shortened_key(id in "[a-z]{180,260}", other in "[a-z]{180,260}") {
            let key = key!("k:<id>");
            prop_assert!(key.as_str().len() <= 200);
            // What the key of a long argument reads as, given as an argument.
            let read = key.as_str().strip_prefix("k:").unwrap();
            if id.len() > 198 {
                prop_assert_ne!(key!("k:<read>"), key.clone());
            }
            if id != other {
                prop_assert_ne!(key!("k:<other>"), key);
            }
        }
    }
}

mod a_derived_part {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Hash, KeyPart)]
    struct Email(String);

    #[derive(Clone, Debug, PartialEq, Eq, Hash, KeyPart)]
    struct Id<T> {
        value: T,
    }

    #[derive(KeyPart)]
    struct Borrowed<'a>(&'a str);

    #[test]
    fn is_written_as_its_field_is() {
        let (email, id, borrowed) = (Email("a:b".to_owned()), Id { value: Some(7) }, Borrowed("x y"));
        assert_eq!(key!("<email>:<id>:<borrowed>").as_str(), "a%3Ab:7:x%20y");
        let nested = Some(Id { value: None::<Email> });
        assert_eq!(key!("<nested>").as_str(), "~~");
        assert_eq!(key!("<email.0>").as_str(), "a%3Ab");
    }

    #[test]
    fn never_gives_two_values_one_key() {
        let values = || option::of(option::of(text()).prop_map(|value| Id { value: value.map(Email) }));
        let pairs = random((values(), values()));
        assert_injective(pairs.clone(), |(a, b)| key!("<a><b>"));
        assert_injective(pairs, |(a, b)| key!("<a>~<b>~"));
    }
}
