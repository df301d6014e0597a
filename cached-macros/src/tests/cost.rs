//! What `tests/instructions` counts the instructions of.

use crate::attribute::Attribute;

use super::messages;

/// Expanded `EXPANSIONS` times, or once.
#[test]
fn a_function_with_the_usual_options_expands() {
    let times: usize = std::env::var("EXPANSIONS").map_or(1, |times| times.parse().unwrap());
    let options: proc_macro2::TokenStream = r#"key = "user:<id>", ttl = 3600, mutex, skip(pool)"#.parse().unwrap();
    let item = "pub async fn find_user(pool: &SqlitePool, id: i64) -> Result<Option<User>, sqlx::Error> {
        sqlx::query_as(\"SELECT * FROM users WHERE id = ?\").bind(id).fetch_optional(pool).await
    }";
    let item: proc_macro2::TokenStream = item.parse().unwrap();
    let expand = || crate::annotated(Attribute::Cached, options.clone(), item.clone());
    for _ in 1..times {
        expand();
    }
    let tokens = expand();
    assert_eq!(messages(tokens), [""; 0]);
}
