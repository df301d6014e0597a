//! The parent's side: the server and its weather, the processes, and the history as it comes.

use std::error::Error;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::judge::{Judge, Verdict};
use super::leftover::Leftover;
use super::process::{Figures, Order, PREFIX};
use super::server::Server;
use super::weather::{self, Climate, Phase};
use crate::history::merge::Merge;
use crate::history::process::Message;

type Failure = Box<dyn Error + Send + Sync>;

/// More than starting and ending processes and the last faults ever take.
const OVERDUE: Duration = Duration::from_secs(60);

/// How to soak.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub climate: Climate,
    pub processes: u8,
    pub seed: u64,
    /// Of one operation; `None` is the default.
    pub timeout_ms: Option<u64>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub faults: usize,
    pub figures: Vec<Figures>,
    pub verdict: Verdict,
    pub leftover: Leftover,
}

impl Run {
    /// Runs the processes that `command` starts, each with its order, as JSON.
    pub async fn soak(&self, command: impl Fn(&str) -> Command) -> Result<Outcome, Failure> {
        let (mut server, database) = (Server::start().await?, Server::start().await?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (told, phase) = watch::channel(Phase::Trouble);
        let mut children = JoinSet::new();
        for process in 0..self.processes {
            let order = Order {
                process,
                seed: self.seed.wrapping_mul(1_000).wrapping_add(process.into()),
                redis: server.url(),
                database: database.url(),
                parent: listener.local_addr()?.to_string(),
                timeout_ms: self.timeout_ms,
            };
            let mut child = command(&serde_json::to_string(&order)?).kill_on_drop(true).spawn()?;
            children.spawn(async move { child.wait().await });
        }
        let url = server.url();
        let mut leftover = Leftover::default();
        let work = async {
            let weather = weather::make(self.climate, &mut server, &told, self.seed);
            let (faults, (figures, verdict)) = tokio::try_join!(weather, self.gather(&listener, phase))?;
            while let Some(child) = children.join_next().await {
                let status = child??;
                if !status.success() {
                    return Err(format!("a process failed ({status}); what it said is above").into());
                }
            }
            Ok::<_, Failure>((faults, figures, verdict))
        };
        let (faults, figures, verdict) = tokio::select! {
            () = leftover.look(&url, PREFIX) => return Err("sampling has no end".into()),
            done = timeout(self.climate.length + OVERDUE, work) => {
                done.map_err(|_| "the processes work longer than they were told")??
            }
        };
        Ok(Outcome { faults, figures, verdict, leftover })
    }

    /// Reads what the processes tell, until each has said everything.
    async fn gather(
        &self,
        listener: &TcpListener,
        phase: watch::Receiver<Phase>,
    ) -> Result<(Vec<Figures>, Verdict), Failure> {
        let (told, mut messages) = mpsc::channel(64);
        let mut links: JoinSet<Result<(), Failure>> = JoinSet::new();
        for _ in 0..self.processes {
            let (child, _) = listener.accept().await?;
            let (from, to) = child.into_split();
            links.spawn(listen(from, told.clone()));
            links.spawn(tell(to, phase.clone()));
        }
        drop((told, phase));
        let (mut merge, mut judge, mut figures) = (Merge::of(self.processes.into()), Judge::new(), Vec::new());
        while let Some(message) = messages.recv().await {
            match message {
                Message::Events { process, events, until } => merge.add(process.into(), events, until),
                Message::Figures(process, told) => {
                    merge.end(process.into());
                    figures.push(told);
                }
            }
            judge.extend(merge.by_ref());
        }
        while let Some(link) = links.join_next().await {
            link??;
        }
        // A process that died tells no figures: what it did is unknown.
        if figures.len() < self.processes.into() {
            return Err("a process ended before it had told everything".into());
        }
        Ok((figures, judge.verdict()))
    }
}

async fn listen(child: OwnedReadHalf, told: mpsc::Sender<Message<Figures>>) -> Result<(), Failure> {
    let mut child = BufReader::new(child);
    while let Some(message) = Message::receive(&mut child).await? {
        told.send(message).await?;
    }
    Ok(())
}

/// Every phase, as it begins, up to the last.
async fn tell(mut child: OwnedWriteHalf, mut phase: watch::Receiver<Phase>) -> Result<(), Failure> {
    loop {
        phase.changed().await?;
        let now = *phase.borrow_and_update();
        child.write_u8(now.to_byte()).await?;
        if now == Phase::End {
            return Ok(());
        }
    }
}
