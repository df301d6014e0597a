//! Types of every kind describe themselves, and functions take them as they take others.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use cached_runtime::{Cache, CacheSchema, CacheValue, cached, write_through};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct Tree<T> {
    value: T,
    children: Vec<Tree<T>>,
}

/// Two types that contain each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct Folder<T> {
    files: Vec<File<T>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
enum File<T> {
    Folder(Box<Folder<T>>),
    Of { content: T },
    Empty,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct Id<T>(u64, #[serde(skip)] PhantomData<fn() -> T>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, CacheSchema)]
struct Matrix<const N: usize>
where
    [u8; N]: CacheSchema,
{
    #[cache_schema(opaque)]
    rows: Vec<Arc<str>>,
    id: Id<Self>,
    names: HashMap<String, (u8, char)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Undescribed(u8);

#[cached(key = "tree:<id>", ttl = 60)]
async fn tree(id: u64) -> Option<Tree<u64>> {
    Some(Tree { value: id, children: vec![Tree { value: 2, children: Vec::new() }] })
}

#[cached(key = "folder:<id>", ttl = 60)]
fn folder(id: u64) -> Result<Folder<Id<Undescribed>>, String> {
    let content = Id(id, PhantomData);
    Ok(Folder { files: vec![File::Folder(Box::new(Folder { files: vec![File::Of { content }] })), File::Empty] })
}

#[cached(key = "matrix:<id>", ttl = 60)]
async fn matrix(id: u64) -> Matrix<3> {
    Matrix { rows: vec!["a".into()], id: Id(id, PhantomData), names: HashMap::new() }
}

#[cached(key = "tree:<id>", ttl = 60, each = id in ids)]
async fn trees(ids: &[u64]) -> HashMap<u64, Tree<u64>> {
    ids.iter().map(|&id| (id, Tree { value: id, children: Vec::new() })).collect()
}

#[write_through(key = "tree:<id>", ttl = 60, value = tree)]
async fn plant(id: u64, tree: &Tree<u64>) {}

#[write_through(key = "tree:<tree.value>", ttl = 60)]
async fn grow(tree: Tree<u64>) -> Tree<u64> {
    tree
}

#[cached(key = "any:<name>", ttl = 60, skip(value))]
async fn of_any_type<T: CacheValue>(name: &str, value: T) -> T {
    value
}

#[cached(key = "any:<name>", ttl = 60, skip(value))]
async fn of_a_type_with_a_schema<T: CacheValue + CacheSchema>(name: &str, value: T) -> Vec<T> {
    vec![value]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    let found = tree(1).await;
    assert_eq!(tree(1).await, found);
    assert_eq!(trees(&[1]).await.remove(&1), found, "stored by the one, read by the other");
    let planted = Tree { value: 1, children: Vec::new() };
    plant(1, &planted).await;
    assert_eq!(tree(1).await.as_ref(), Some(&planted));
    grow(found.clone().unwrap()).await;
    assert_eq!(tree(1).await, found);
    assert_eq!(folder(1), folder(1));
    assert_eq!(matrix(1).await, matrix(1).await);
    assert_eq!(of_any_type("a", Undescribed(1)).await, of_any_type("a", Undescribed(1)).await);
    assert_eq!(of_a_type_with_a_schema("b", 1_u8).await, of_a_type_with_a_schema("b", 1).await);
}
