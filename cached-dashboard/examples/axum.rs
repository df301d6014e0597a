//! `cargo run --example axum`: a small shop over SQLite, whose queries are annotated, with the dashboard mounted at
//! `/cache`. Customers of its own making keep it busy, so that the page moves; every few seconds something is in demand.
//!
//! With `REDIS_URL` set the cache is there; else a Redis is started for it, and where there is no `redis-server` it is in
//! memory. `PORT` is where it listens, 3000 unless said.

#[path = "../../examples/interrupted/mod.rs"]
mod interrupted;
#[path = "../../examples/redis_server/mod.rs"]
mod redis_server;

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cached_runtime::{Cache, cached, invalidate, write_through};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::net::TcpListener;
use tokio::time::sleep;

use self::redis_server::RedisServer;

const PRODUCTS: i64 = 400;
const CUSTOMERS: usize = 24;

#[derive(Clone, Debug, Serialize, Deserialize, sqlx::FromRow)]
struct Product {
    id: i64,
    name: String,
    category: i64,
    price: i64,
}

#[derive(Serialize)]
struct Search<'s> {
    text: &'s str,
    at_most: i64,
}

struct Shop {
    pool: SqlitePool,
}

impl Shop {
    #[cached(key = "product:<id>", ttl = 20, mutex, stale = "5m")]
    async fn product(&self, id: i64) -> Result<Option<Product>, sqlx::Error> {
        self.far_away(3).await;
        sqlx::query_as("SELECT * FROM products WHERE id = ?").bind(id).fetch_optional(&self.pool).await
    }

    #[cached(key = "product:<id>", ttl = 20, mutex, each = id in ids)]
    async fn products(&self, ids: &[i64]) -> Result<Vec<Option<Product>>, sqlx::Error> {
        self.far_away(4).await;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found
                .push(sqlx::query_as("SELECT * FROM products WHERE id = ?").bind(id).fetch_optional(&self.pool).await?);
        }
        Ok(found)
    }

    #[cached(key = "category:<category>:best", ttl = 15, mutex, tag = "category:<category>")]
    async fn best_of(&self, category: i64) -> Result<Vec<Product>, sqlx::Error> {
        self.far_away(25).await;
        sqlx::query_as("SELECT * FROM products WHERE category = ? ORDER BY price DESC LIMIT 10")
            .bind(category)
            .fetch_all(&self.pool)
            .await
    }

    #[cached(key = "search:<search|hash>", ttl = "10s", none_ttl = "5s")]
    async fn search(&self, search: &Search<'_>) -> Result<Vec<Product>, sqlx::Error> {
        self.far_away(12).await;
        sqlx::query_as("SELECT * FROM products WHERE name LIKE ? AND price <= ? LIMIT 20")
            .bind(format!("%{}%", search.text))
            .bind(search.at_most)
            .fetch_all(&self.pool)
            .await
    }

    #[cached(key = "stock:<id>", ttl = 5, local = "1s")]
    async fn stock(&self, id: i64) -> Result<i64, sqlx::Error> {
        self.far_away(2).await;
        sqlx::query_scalar("SELECT stock FROM stocks WHERE product = ?").bind(id).fetch_one(&self.pool).await
    }

    #[invalidate(key = "stock:<id>")]
    async fn sell(&self, id: i64) -> Result<(), sqlx::Error> {
        let update = sqlx::query("UPDATE stocks SET stock = (stock + 99) % 100 WHERE product = ?").bind(id);
        update.execute(&self.pool).await.map(drop)
    }

    #[write_through(key = "product:<product.id>", ttl = 20, value = product)]
    async fn save(&self, product: &Product) -> Result<(), sqlx::Error> {
        let update = sqlx::query("UPDATE products SET price = ? WHERE id = ?").bind(product.price).bind(product.id);
        update.execute(&self.pool).await.map(drop)
    }

    #[invalidate(tag = "category:<category>")]
    async fn season(&self, category: i64) -> Result<(), sqlx::Error> {
        let update = sqlx::query("UPDATE products SET price = price + 1 WHERE category = ?").bind(category);
        update.execute(&self.pool).await.map(drop)
    }

    /// This database is in the same process: most are so many milliseconds away, and some queries take longer.
    async fn far_away(&self, millis: u64) {
        let spread = fastrand::f64().powi(4) * 3.0 + 0.7;
        sleep(Duration::from_millis(millis).mul_f64(spread)).await;
    }

    async fn open() -> Result<Self, sqlx::Error> {
        // One connection: a second one would see a `:memory:` database of its own.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
        let schema = "
            CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, category INTEGER, price INTEGER);
            CREATE TABLE stocks (product INTEGER PRIMARY KEY, stock INTEGER);";
        sqlx::raw_sql(schema).execute(&pool).await?;
        let things = ["lamp", "chair", "kettle", "shelf", "clock", "rug", "vase", "desk"];
        for (id, thing) in (1..=PRODUCTS).zip(things.iter().cycle()) {
            let insert = sqlx::query("INSERT INTO products VALUES (?1, ?2, ?1 % 8, ?1 * 37 % 500)");
            insert.bind(id).bind(format!("{thing} no. {id}")).execute(&pool).await?;
            sqlx::query("INSERT INTO stocks VALUES (?, 50)").bind(id).execute(&pool).await?;
        }
        Ok(Self { pool })
    }
}

/// A product as customers choose: few are in demand, and which ones changes.
fn wanted() -> i64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "one of four hundred")]
    let rank = (PRODUCTS as f64).powf(fastrand::f64().powf(1.6)) as i64;
    rank.clamp(1, PRODUCTS)
}

/// One customer looks around, buys at times, and comes back. What fails fails: the next one tries again.
async fn shop_around(shop: Arc<Shop>) {
    loop {
        let product = wanted();
        drop(shop.product(product).await);
        drop(shop.stock(product).await);
        match fastrand::u32(0..100) {
            0..=24 => drop(shop.best_of(product % 8).await),
            25..=44 => {
                let ids: Vec<i64> = (0..8).map(|_| wanted()).collect();
                drop(shop.products(&ids).await);
            }
            45..=59 => {
                let at_most = i64::from(fastrand::u8(1..=5)) * 100;
                let text = *fastrand::choice(&["lamp", "chair", "clock"]).unwrap_or(&"lamp");
                drop(shop.search(&Search { text, at_most }).await);
            }
            60..=64 => drop(shop.sell(product).await),
            65..=66 => {
                if let Ok(Some(mut product)) = shop.product(product).await {
                    product.price += 1;
                    drop(shop.save(&product).await);
                }
            }
            67 => drop(shop.season(product % 8).await),
            _ => {}
        }
        sleep(Duration::from_millis(fastrand::u64(20..120))).await;
    }
}

/// Now and then everybody wants one thing that nobody has asked for in a while.
async fn rush(shop: Arc<Shop>) {
    loop {
        sleep(Duration::from_secs(fastrand::u64(6..15))).await;
        let product = fastrand::i64(PRODUCTS / 2..=PRODUCTS);
        for _ in 0..300 {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move { drop(shop.product(product).await) });
        }
    }
}

async fn show(State(shop): State<Arc<Shop>>, Path(id): Path<i64>) -> Response {
    match shop.product(id).await {
        Ok(Some(Product { name, price, .. })) => format!("{name}: {price}\n").into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The cache, the server to be kept as long as it is used, and where it is, in words.
async fn cache() -> Result<(Cache, Option<RedisServer>, &'static str), Box<dyn Error>> {
    if env::var("REDIS_URL").is_ok_and(|url| !url.is_empty()) {
        return Ok((Cache::from_env()?, None, "in the Redis that REDIS_URL names"));
    }
    match RedisServer::start().await {
        Ok(server) => Ok((Cache::builder().redis(server.url()).build()?, Some(server), "in a Redis of its own")),
        Err(error) => {
            eprintln!("{error}");
            Ok((Cache::in_memory(), None, "in memory"))
        }
    }
}

async fn listen() -> std::io::Result<TcpListener> {
    match env::var("PORT").ok().and_then(|port| port.parse().ok()) {
        Some(port) => TcpListener::bind(("127.0.0.1", port)).await,
        None => match TcpListener::bind("127.0.0.1:3000").await {
            // Somebody else has it: any other one.
            Err(_) => TcpListener::bind("127.0.0.1:0").await,
            listening => listening,
        },
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (cache, _redis, place) = cache().await?;
    cache.install();
    let shop = Arc::new(Shop::open().await?);
    for _ in 0..CUSTOMERS {
        tokio::spawn(shop_around(Arc::clone(&shop)));
    }
    tokio::spawn(rush(Arc::clone(&shop)));

    let app = Router::new()
        .route("/products/{id}", get(show))
        .with_state(shop)
        .nest("/cache", cached_dashboard::router(cache));
    let listener = listen().await?;
    let address = listener.local_addr()?;
    println!("The cache is {place}.\n\nhttp://{address}/cache\nhttp://{address}/products/7\n\nCtrl-C ends it.");
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        ended = interrupted::interrupted() => ended?,
    }
    Ok(())
}
