//! Mistakes in `#[derive(CacheKey)]`.

use super::messages;

#[test]
fn mistakes() {
    for (item, expected) in [
        ("struct UserKey { id: i64 }", &["write `#[cache_key(\"user:<id>\", value = User)]` here"][..]),
        ("#[cache_key] struct UserKey { id: i64 }", &["the template is missing"]),
        ("#[cache_key(value = User)] struct UserKey { id: i64 }", &["the template is missing"]),
        ("#[cache_key(\"user:<id>\")] struct UserKey { id: i64 }", &["Write `value = User` behind the template"]),
        ("#[cache_key(\"user:<id>\", User)] struct UserKey { id: i64 }", &["there is no option `User`"]),
        ("#[cache_key(\"user:<id>\", type = User)] struct UserKey { id: i64 }", &["`value = User`"]),
        ("#[cache_key(\"user:<id>\", valeu = User)] struct UserKey { id: i64 }", &["did you mean `value`?"]),
        ("#[cache_key(\"user:<id>\", ttl = 5)] struct UserKey { id: i64 }", &["for the function that stores"]),
        ("#[cache_key(key = \"user:<id>\")] struct UserKey { id: i64 }", &["the template stands first"]),
        ("#[cache_key(\"user:<id>\", value)] struct UserKey { id: i64 }", &["`value` takes a value"]),
        ("#[cache_key(\"user:<id>\", value =)] struct UserKey { id: i64 }", &["`value` takes a value"]),
        ("#[cache_key(\"user:<id>\", value = \"User\")] struct UserKey { id: i64 }", &["the type that is stored"]),
        ("#[cache_key(\"user:<id>\" value = User)] struct UserKey { id: i64 }", &["a comma is missing"]),
        ("#[cache_key(\"a\", \"b\", value = User)] struct UserKey;", &["a key has one template"]),
        ("#[cache_key(\"a\", value = A, value = B)] struct UserKey;", &["`value` is set twice"]),
        ("#[cache_key(\"a\", value = A, crate = rt)] struct UserKey;", &["not absolute"]),
        ("#[cache_key(\"a\", value = A)] #[cache_key(\"b\", value = B)] struct UserKey;", &["two templates"]),
        (
            "#[cache_key(\"user:<idd>\", value = U)] struct UserKey { id: i64 }",
            &["no field is named `idd`, did you mean"],
        ),
        ("#[cache_key(\"user:<id>\", value = U)] struct UserKey;", &["this struct has none"]),
        ("#[cache_key(\"user:<self.id>\", value = U)] struct UserKey { id: i64 }", &["leave `self.` out"]),
        ("#[cache_key(\"user:{id}\", value = U)] struct UserKey { id: i64 }", &["write `<id>` for the field"]),
        ("#[cache_key(\"user:<id\", value = U)] struct UserKey { id: i64 }", &["this `<` is not closed"]),
        (
            "#[cache_key(\"user:<id>\", value = U)] struct UserKey { id: i64, org: i64 }",
            &["`org` is not part of the key"],
        ),
        ("#[cache_key(\"user:<0>\", value = U)] struct UserKey(i64);", &["named fields; write `struct UserKey"]),
        ("#[cache_key(\"a\", value = U)] enum UserKey { A }", &["one struct for each kind"]),
        ("#[cache_key(\"a\", value = U)] union UserKey { a: u8 }", &["a union does not know"]),
        ("#[cache_key(\"a:<r#type>\", value = U)] struct UserKey { r#type: u8 }", &[]),
    ] {
        let found = messages(crate::cache_key_struct(item.parse().unwrap()));
        let same =
            found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
        assert!(same, "{item}\n{found:#?}\n{expected:#?}");
    }
}
