//! Type parameters, lifetimes, `where`, const generics and `impl Trait` arguments, on the function and on its `impl`.

#![deny(warnings)]

use std::fmt::Debug;
use std::future::Future;
use std::marker::PhantomData;

use cached_runtime::{Cache, KeyPart, cached};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An error that is generic, borrowed, and neither `Clone` nor `'static`.
#[derive(Debug, PartialEq)]
struct Borrowed<'a>(&'a str);

trait Database {
    type Error: Debug;
}

trait Executor<'e> {
    type Database: Database;

    fn run(self) -> impl Future<Output = Result<u32, <Self::Database as Database>::Error>> + Send;
}

#[derive(Debug)]
struct Sqlite;

impl Database for Sqlite {
    type Error = std::fmt::Error;
}

impl<'e> Executor<'e> for &'e Sqlite {
    type Database = Sqlite;

    async fn run(self) -> Result<u32, std::fmt::Error> {
        Ok(7)
    }
}

#[cached(key = "user:<id>", ttl = 60, skip(executor, _label))]
async fn get<'a, 'b, E, DB>(id: u32, executor: E, _label: &'b str) -> Result<Option<u32>, DB::Error>
where
    E: Executor<'a, Database = DB>,
    DB: Database,
{
    let found = executor.run().await?;
    Ok(Some(found + id))
}

#[cached(key = "value:<id>", ttl = 60, skip(make))]
async fn value<T: Serialize + DeserializeOwned>(id: u32, make: impl FnOnce(u32) -> T) -> T {
    make(id)
}

#[cached(key = "array:<values>", ttl = 60)]
async fn array<const N: usize>(values: [u8; N]) -> Vec<u8> {
    values.to_vec()
}

#[cached(key = "borrowed:<text>", ttl = 60)]
async fn borrowed(text: &str) -> Result<u32, Borrowed<'_>> {
    text.parse().map_err(|_| Borrowed(text))
}

#[cached(key = "blocking-borrowed:<text>", ttl = 60)]
fn blocking<'a>(text: &'a str) -> Result<u32, Borrowed<'a>> {
    text.parse().map_err(|_| Borrowed(text))
}

struct Repository<Key, E> {
    error: PhantomData<(Key, E)>,
}

impl<Key: KeyPart + Clone, E: Clone + Send + Sync> Repository<Key, E> {
    #[cached(key = "by:<key>", ttl = 60, skip(error))]
    async fn find(&self, key: Key, error: Option<E>) -> Result<u32, E> {
        match error {
            Some(error) => Err(error),
            None => Ok(1),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();
    for _ in 0..2 {
        assert_eq!(get(1, &Sqlite, "x").await.unwrap(), Some(8));
        assert_eq!(value(1, |id| id.to_string()).await, "1");
        assert_eq!(array([1, 2]).await, [1, 2]);
        assert_eq!(borrowed("5").await, Ok(5));
        assert_eq!(borrowed("x").await, Err(Borrowed("x")));
        assert_eq!(blocking("6"), Ok(6));
        let text = String::from("local");
        let repository = Repository { error: PhantomData };
        assert_eq!(repository.find("k", None).await, Ok(1));
        assert_eq!(repository.find("l", Some(text.as_str())).await, Err("local"));
    }
}
