//! Counters, a crash, and a recovery.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cached_runtime::WriteBehind;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::child::{Child, Figures, Order, Task, Word};
use crate::couriers::{self, Directory, Position};
use crate::judge::{Acknowledged, Verdict};
use crate::redis_server::RedisServer;
use crate::screen::Screen;

const COURIERS: i64 = 300;

/// Between two reports of one courier.
const PAUSE: Duration = Duration::from_millis(15);

struct Show {
    screen: Screen,
    /// This process reports, and writes nothing.
    here: WriteBehind,
    /// Of the workers that are gone, and of the one that is at work.
    before: Figures,
    now: Figures,
}

pub async fn run(redis: &RedisServer, directory: &Directory) -> Result<bool, Box<dyn Error>> {
    let database = directory.file("couriers.sqlite");
    let pool = couriers::create(&database).await?;
    couriers::cache(&redis.url(), "couriers")?.install();
    let prefix = "couriers".to_owned();
    let order = Order { task: Task::Work, every_step: false, redis: redis.url(), prefix, database };
    let here = couriers::report_worker(pool.clone());
    let mut show = Show { screen: Screen::new(), here, before: Figures::default(), now: Figures::default() };

    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut reporting = JoinSet::new();
    for courier in 0..COURIERS {
        let (pool, acknowledged) = (pool.clone(), Arc::clone(&acknowledged));
        reporting.spawn(async move {
            for step in 1.. {
                if couriers::report(pool.clone(), vec![Position::new(courier, step)]).await.is_ok() {
                    acknowledged.lock().unwrap_or_else(PoisonError::into_inner).add(courier, step);
                }
                sleep(PAUSE).await;
            }
        });
    }

    show.screen.event(&format!("{COURIERS} couriers report every {} ms; a worker writes", PAUSE.as_millis()));
    let mut first = Child::start(order.clone())?;
    show.watch(&mut first, Duration::from_secs(4), |_| false).await?;
    let batch = show.watch(&mut first, Duration::from_secs(10), |word| matches!(word, Word::Batch(_))).await?;
    first.kill()?;
    // What it had said.
    show.watch(&mut first, Duration::from_secs(1), |_| false).await?;
    show.before = std::mem::take(&mut show.now);
    let rows = if let Some(Word::Batch(rows)) = batch { rows } else { 0 };
    show.screen.event(&format!("the worker is killed (SIGKILL), with {rows} rows written and not yet committed"));
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        show.draw();
        sleep(Duration::from_millis(20)).await;
    }
    show.screen.event("another worker begins; it takes over when the lease of the one that is gone is over");
    let mut second = Child::start(order)?;
    show.watch(&mut second, Duration::from_secs(30), |word| matches!(word, Word::Batch(_))).await?;
    show.screen.event("it has taken over");
    show.watch(&mut second, Duration::from_secs(2), |_| false).await?;
    reporting.shutdown().await;
    show.screen.event("the couriers go home; what is queued is written");

    // At work with nothing to do, for the other one has the lease: it only waits for it.
    let waiting = couriers::report_worker(pool.clone()).spawn().await?;
    tokio::select! {
        flushed = timeout(Duration::from_secs(60), waiting.flush()) => flushed??,
        ended = show.watch(&mut second, Duration::from_secs(61), |_| false) => drop(ended?),
    }
    show.watch(&mut second, Duration::from_millis(200), |_| false).await?;
    // It looks once more at what is left: else this process would know of its own calls alone.
    waiting.shutdown(Duration::from_secs(1)).await;
    show.screen.event(&show.line());

    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
    let verdict = Verdict::on(&acknowledged, &pool, false).await?;
    println!(
        "\n{} reports were acknowledged ({} calls wrote their row themselves); {} couriers have another position in the \
         database than their last; {} rows came too late",
        acknowledged.len(),
        show.here.stats().through,
        verdict.lost + verdict.wrong,
        verdict.out_of_order
    );
    Ok(verdict.holds())
}

impl Show {
    /// Until it says such a word, or nothing any more, or the time is over.
    async fn watch(
        &mut self,
        child: &mut Child,
        time: Duration,
        until: impl Fn(&Word) -> bool,
    ) -> Result<Option<Word>, Box<dyn Error>> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            if let Ok(word) = timeout(left.min(Duration::from_millis(50)), child.next()).await {
                let Some(word) = word? else { return Ok(None) };
                if let Word::Figures(figures) = word {
                    self.now = figures;
                }
                if until(&word) {
                    return Ok(Some(word));
                }
            }
            self.draw();
        }
        Ok(None)
    }

    fn draw(&mut self) {
        let line = self.line();
        self.screen.counters(&line);
    }

    fn line(&self) -> String {
        let here = Figures::from(self.here.stats());
        let sum = |of: fn(&Figures) -> u64| of(&self.before) + of(&self.now);
        format!(
            "accepted {:>7}  queued {:>6}  coalesced {:>7}  written {:>6}  in {:>4} statements",
            here.accepted,
            here.queued,
            sum(|figures| figures.coalesced),
            sum(|figures| figures.written),
            sum(|figures| figures.statements),
        )
    }
}
