//! Misuse and what is said about it; `tests/ui/*.rs` are the documentation of both. `tests/ui/pass` holds the shapes
//! of functions that compile unchanged, and runs them.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the `.stderr` files anew. Look where every caret stands before you
//! keep them. One case: `cargo test --test ui -- ui trybuild=ttl-zero.rs`.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
