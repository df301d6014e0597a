//! What every peer caches.

use std::fmt;

use serde::{Deserialize, Serialize};

/// About a hundred bytes as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub roles: Vec<u32>,
}

impl User {
    pub fn named(name: &str) -> Self {
        Self::numbered(name.parse().unwrap_or_default(), 3)
    }

    /// The row as its writers have left it: the last role is how often it was written.
    pub fn numbered(id: u64, version: u32) -> Self {
        let email = format!("user{id:05}@example.com");
        Self { id, name: "Ada Lovelace".to_owned(), email, roles: vec![1, 2, version] }
    }

    pub fn version(&self) -> u32 {
        self.roles.last().copied().unwrap_or_default()
    }
}

/// Why there is no user: the load's failure, or what a peer made of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure(pub String);

impl Failure {
    pub fn of(cause: impl fmt::Debug) -> Self {
        Self(format!("{cause:?}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
