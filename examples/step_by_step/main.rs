//! `cargo run --example step_by_step`: one service from no cache to all that helps it, and what the same day costs each
//! time. The guide's page of that name is about this program.

mod database;
mod day;
#[path = "../interrupted/mod.rs"]
mod interrupted;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod steps;
mod table;

use std::error::Error;

use redis_server::RedisServer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = RedisServer::start().await?;
    let url = redis.url();
    println!("| step | reads of the database | old prices shown |");
    println!("|---|---|---|");
    tokio::select! {
        rows = table::table(&url) => rows?.iter().for_each(|row| println!("{}", table::line(row))),
        ended = interrupted::interrupted() => ended?,
    }
    Ok(())
}
