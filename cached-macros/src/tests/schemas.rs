//! What `#[derive(CacheSchema)]` writes, and mistakes in it.

use super::{messages, snapshot};

fn derived(item: &str) -> proc_macro2::TokenStream {
    crate::cache_schema_type(item.parse().unwrap())
}

/// The words and types that describe the item, in order.
fn described(item: &str) -> String {
    let tokens = derived(item).to_string();
    let (_, parts) = tokens.split_once("begin").unwrap();
    parts.to_owned()
}

#[test]
fn schema_of_a_struct() {
    snapshot(
        "schema_of_a_struct",
        derived(
            "#[serde(rename_all = \"camelCase\", deny_unknown_fields)] struct Page<T: Row, I> where I: Ids { items: Vec<T>, \
             #[serde(default)] next: Option<Box<Self>>, #[serde(skip)] cached: Cell<u8>, #[serde(with = \"hex\")] bytes: \
             Vec<u8>, #[cache_schema(opaque)] price: Decimal, id: I::Id, of: PhantomData<I> }",
        ),
    );
}

#[test]
fn schema_of_an_enum() {
    snapshot(
        "schema_of_an_enum",
        derived(
            "#[serde(tag = \"kind\")] #[cache_schema(crate = ::rt)] enum Event { Created(#[serde(rename = \"Id\")] u64), \
             #[serde(alias = \"Gone\")] Deleted { id: u64 }, #[serde(skip)] Local(Handle), #[serde(other)] Unknown }",
        ),
    );
}

#[test]
fn what_serde_does_not_read_or_write_does_not_count() {
    for (item, same) in [
        ("struct A { a: u8 }", "struct A { #[serde(borrow)] a: u8 }"),
        ("struct A { a: u8 }", "#[serde(bound = \"\", crate = \"rt\")] struct A { a: u8 }"),
        ("struct A { a: u8 }", "struct A { a: u8, #[serde(skip)] b: u8 }"),
        ("struct A { a: u8 }", "struct A { a: u8, #[serde(skip_serializing, skip_deserializing)] b: u8 }"),
        ("struct A { a: u8 }", "/// Says more.\npub struct A { pub r#a: u8 }"),
        (
            "struct A { #[serde(default, rename = \"b\")] a: u8 }",
            "struct A { #[serde(rename = \"b\")] #[serde(default)] a: u8 }",
        ),
    ] {
        assert_eq!(described(item), described(same), "{item}\n{same}");
    }
}

#[test]
fn what_serde_reads_or_writes_counts() {
    let items = [
        "struct A { a: u8 }",
        "struct A { b: u8 }",
        "struct A { a: u16 }",
        "struct A { a: u8, b: u8 }",
        "struct A { b: u8, a: u8 }",
        "struct A(u8);",
        "struct A(u8, u8);",
        "struct A;",
        "struct A {}",
        "struct A { #[serde(default)] a: u8 }",
        "struct A { #[serde(default = \"one\")] a: u8 }",
        "struct A { #[serde(rename = \"b\")] a: u8 }",
        "struct A { #[serde(rename = \"b c\")] a: u8 }",
        "struct A { #[serde(rename = \"bc\")] a: u8 }",
        "struct A { #[serde(rename(serialize = \"b\"))] a: u8 }",
        "struct A { #[serde(alias = \"b\")] a: u8 }",
        "struct A { #[serde(flatten)] a: u8 }",
        "struct A { #[serde(skip_serializing)] a: u8 }",
        "struct A { #[serde(skip_serializing_if = \"zero\")] a: u8 }",
        "struct A { #[serde(with = \"hex\")] a: u8 }",
        "struct A { #[cache_schema(opaque)] a: u8 }",
        "#[serde(rename_all = \"camelCase\")] struct A { a: u8 }",
        "#[serde(default)] struct A { a: u8 }",
        "#[serde(transparent)] struct A { a: u8 }",
        "#[serde(deny_unknown_fields)] struct A { a: u8 }",
        "#[serde(from = \"B\")] struct A { a: u8 }",
        "#[serde(into = \"B\")] struct A { a: u8 }",
        "#[serde(from = \"B\", into = \"B\")] struct A { a: u8 }",
        "enum A { A, B }",
        "enum A { B, A }",
        "enum A { A, #[serde(skip)] B }",
        "enum A { A(u8), B }",
        "enum A { A { a: u8 }, B }",
        "enum A { A, B(u8) }",
        "#[serde(untagged)] enum A { A, B }",
        "#[serde(tag = \"t\")] enum A { A, B }",
        "#[serde(tag = \"t\", content = \"c\")] enum A { A, B }",
    ];
    let mut all = items.map(described).to_vec();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), items.len());
}

#[test]
fn mistakes() {
    for (item, expected) in [
        ("union A { a: u8 }", "derived for structs and enums"),
        ("#[cache_schema] struct A;", "write `#[cache_schema(crate = ::my::path)]`"),
        ("#[cache_schema(opaque)] struct A;", "write `#[cache_schema(crate = ::my::path)]`"),
        ("#[cache_schema(crate = rt)] struct A;", "not absolute"),
        ("struct A { #[cache_schema(opaq)] a: u8 }", "write `#[cache_schema(opaque)]`"),
        ("struct A { #[cache_schema(opaque, skip)] a: u8 }", "unexpected token"),
        ("enum A { A(#[cache_schema(skip)] u8) }", "write `#[cache_schema(opaque)]`"),
    ] {
        let found = messages(derived(item));
        assert!(matches!(&found[..], [one] if one.contains(expected)), "{item}\n{found:#?}\n{expected}");
    }
}
