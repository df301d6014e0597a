//! `list`: functions of every shape, and what is known of each.

use serde_json::{Value, json};

use super::over;

fn functions() -> Vec<Value> {
    over("shapes", &["list", "--json"]).json()["functions"].as_array().expect("functions").clone()
}

fn function(name: &str) -> Value {
    let named: Vec<Value> = functions().into_iter().filter(|function| function["name"] == name).collect();
    assert_eq!(named.len(), 1, "{name}");
    named[0].clone()
}

#[test]
fn functions_of_every_shape_are_listed() {
    let functions = functions();
    let names: Vec<&str> = functions.iter().map(|function| function["name"].as_str().expect("a name")).collect();
    assert_eq!(
        names,
        [
            "apart::apart",
            "other::another_type",
            "app::qualified",
            "app::renamed",
            "app::elsewhere::forget",
            "db::perhaps",
            "db::Users::find_user",
            "db::Users::find_many",
            "db::Users::rename",
            "db::Store::row",
            "db::Users::row",
            "db::save",
            "db::save_all",
            "db::finder!::name",
            "db::nested::inline::blocking",
            "db::nested::inline::blocking::within::inner",
            "db::nested::inner::deep",
        ]
    );
}

#[test]
fn a_reader_is_listed_with_all_that_its_attribute_says() {
    let find = function("db::Users::find_user");
    for (field, expected) in [
        ("kind", json!("cached")),
        ("package", json!("db")),
        ("program", json!(null)),
        ("keys", json!(["UserKey"])),
        ("ttl", json!("1h30m")),
        ("ttl_ms", json!(5_400_000)),
        ("version", json!(1)),
        ("value", json!("User")),
        ("options", json!(["mutex(lease = \"2s\")", "stale = \"10m\"", "skip(ctx)"])),
        ("file", json!("db/src/lib.rs")),
        ("line", json!(22)),
    ] {
        assert_eq!(find[field], expected, "{field}");
    }
    assert_eq!(function("db::perhaps")["value"], json!(null), "an alias");
    let batch = function("db::Users::find_many");
    assert_eq!((&batch["value"], &batch["version"]), (&json!("User"), &json!(2)));
    assert_eq!(function("db::Store::row")["ttl"], "per value");
    assert_eq!(function("db::nested::inline::blocking")["ttl"], "never");
    assert_eq!(function("db::nested::inner::deep")["value"], json!(null), "a type parameter");
    assert_eq!(function("apart::apart")["program"], "example apart");
}

#[test]
fn readers_and_writers_find_each_other_by_template_and_by_typed_key() {
    let names = |function: &Value, field: &str| {
        let others = function[field].as_array().expect("names").iter();
        others
            .map(|name| name.as_str().expect("a name").split(' ').next().expect("a word").to_owned())
            .collect::<Vec<_>>()
    };
    let writers = ["db::Users::rename", "db::save", "db::save_all"];
    assert_eq!(names(&function("db::Users::find_user"), "invalidators"), writers);
    assert_eq!(names(&function("db::Users::find_many"), "invalidators"), writers);
    assert_eq!(
        names(&function("db::save_all"), "readers"),
        ["db::perhaps", "db::Users::find_user", "db::Users::find_many"]
    );
    assert_eq!(names(&function("db::nested::inline::blocking"), "invalidators"), ["db::Users::rename"], "by a tag");
    assert!(names(&function("apart::apart"), "invalidators").is_empty());
}

#[test]
fn nothing_is_wrong_with_any_shape() {
    let said = over("shapes", &["check"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "nothing found in 17 annotated functions\n"));
}

#[test]
fn the_table_shows_what_people_ask_first() {
    let table = over("shapes", &["list"]).out;
    let at = table.lines().position(|line| line.starts_with("db::Users::find_user ")).expect("a line");
    let lines: Vec<&str> = table.lines().skip(at).take(4).map(str::trim).collect();
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(words, ["db::Users::find_user", "UserKey", "1h30m", "User", "db/src/lib.rs:22"]);
    assert_eq!(lines[1], "mutex(lease = \"2s\"), stale = \"10m\", skip(ctx)");
    assert_eq!(lines[2], "invalidated by db::Users::rename (db/src/lib.rs:32)");
    assert!(lines[3].starts_with("written by db::save "), "{}", lines[3]);
    assert!(table.contains("    read by app::renamed (app/src/main.rs:18)\n"), "{table}");
}
