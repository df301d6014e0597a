//! Functions as services have them, one shape each. The scoreboard puts an attribute where a line says what it is told:
//! the argument that is the key and its type, the arguments that are not in the key, and what else it may have to know.
//! This file is a text for it, and no module.

// shape: async fn, owned argument
// @(id: u64)
pub async fn find(id: u64) -> Result<User, AppError> {
    Ok(User { id, name: "Ada".to_owned() })
}

// shape: `&str` argument
// @(name: String)
pub async fn find(name: &str) -> Result<User, AppError> {
    Ok(User { id: 7, name: name.to_owned() })
}

// shape: `&Pool` that is not in the key
// @(id: u64; pool)
pub async fn find(pool: &Pool, id: u64) -> Result<User, AppError> {
    pool.row(id).await?.ok_or_else(|| AppError("no such user".to_owned()))
}

// shape: method with `&self`
pub struct Users {
    pool: Pool,
}

impl Users {
    // @(id: u64; ; method)
    pub async fn find(&self, id: u64) -> Result<User, AppError> {
        self.pool.row(id).await?.ok_or_else(|| AppError("no such user".to_owned()))
    }
}

// shape: async fn of a trait's impl
pub trait Repository {
    fn find(&self, id: u64) -> impl Future<Output = Result<User, AppError>> + Send;
}

impl Repository for Pool {
    // @(id: u64; ; method)
    async fn find(&self, id: u64) -> Result<User, AppError> {
        self.row(id).await?.ok_or_else(|| AppError("no such user".to_owned()))
    }
}

// shape: `#[async_trait]` impl
#[async_trait::async_trait]
pub trait Repository {
    async fn find(&self, id: u64) -> Result<User, AppError>;
}

#[async_trait::async_trait]
impl Repository for Pool {
    // @(id: u64; ; method)
    async fn find(&self, id: u64) -> Result<User, AppError> {
        self.row(id).await?.ok_or_else(|| AppError("no such user".to_owned()))
    }
}

// shape: type parameter with a `where` clause
pub trait Source {
    fn row(&self, id: u64) -> impl Future<Output = Result<User, AppError>> + Send;
}

// @(id: u64; source)
pub async fn find<S>(source: &S, id: u64) -> Result<User, AppError>
where
    S: Source + Sync,
{
    source.row(id).await
}

// shape: alias of `Result`
// @(id: u64)
pub async fn find(id: u64) -> AppResult<User> {
    Ok(User { id, name: "Ada".to_owned() })
}

// shape: `Result<Option<T>, E>`
// @(id: u64)
pub async fn find(id: u64) -> Result<Option<User>, AppError> {
    Ok((id > 0).then(|| User { id, name: "Ada".to_owned() }))
}

// shape: `Option<T>`
// @(id: u64)
pub async fn find(id: u64) -> Option<User> {
    (id > 0).then(|| User { id, name: "Ada".to_owned() })
}

// shape: a value
// @(id: u64)
pub async fn find(id: u64) -> User {
    User { id, name: "Ada".to_owned() }
}

// shape: an error that is neither `Clone` nor `Serialize`
#[derive(Debug)]
pub struct Broken(pub std::io::Error);

impl From<AppError> for Broken {
    fn from(error: AppError) -> Self {
        Self(std::io::Error::other(error.0))
    }
}

// @(id: u64)
pub async fn find(id: u64) -> Result<User, Broken> {
    let name = std::fs::read_to_string("name").map_err(Broken)?;
    Ok(User { id, name })
}

// shape: `mut` argument
// @(id: u64)
pub async fn find(mut id: u64) -> Result<User, AppError> {
    id += 1;
    Ok(User { id, name: "Ada".to_owned() })
}

// shape: blocking fn
// @(id: u64; ; blocking)
pub fn find(id: u64) -> Result<User, AppError> {
    Ok(User { id, name: "Ada".to_owned() })
}

// shape: returns `impl Future`
// @(id: u64)
pub fn find(id: u64) -> impl Future<Output = Result<User, AppError>> + Send {
    async move { Ok(User { id, name: "Ada".to_owned() }) }
}

// shape: destructured argument
pub struct Id(pub u64);

// @(id: u64)
pub async fn find(Id(id): Id) -> Result<User, AppError> {
    Ok(User { id, name: "Ada".to_owned() })
}

// shape: method of a type with a lifetime
pub struct Users<'p> {
    pool: &'p Pool,
}

impl<'p> Users<'p> {
    // @(id: u64; ; method)
    pub async fn find(&self, id: u64) -> Result<User, AppError> {
        self.pool.row(id).await?.ok_or_else(|| AppError("no such user".to_owned()))
    }
}

// shape: default method of a trait
pub trait Repository: Sync {
    fn pool(&self) -> &Pool;

    // @(id: u64; ; method)
    fn find(&self, id: u64) -> impl Future<Output = Result<User, AppError>> + Send {
        async move { self.pool().row(id).await?.ok_or_else(|| AppError("no such user".to_owned())) }
    }
}
