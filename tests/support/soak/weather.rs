//! Faults that come and go, and phases without any in between.

use std::error::Error;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::server::Server;
use crate::history::dice::Dice;

/// What may befall a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Killed, away for a while, and back empty.
    Killed,
    /// `SIGSTOP`.
    Frozen,
    /// No memory for anything more.
    Full,
    /// A replica of a master that is not there.
    ReadOnly,
    /// Every connection is closed, again and again.
    Disconnected,
    /// Scripts are forgotten, again and again.
    Forgetful,
    /// `CLIENT PAUSE`: commands are answered later.
    Paused,
}

const ALL: [Fault; 7] =
    [Fault::Killed, Fault::Frozen, Fault::Full, Fault::ReadOnly, Fault::Disconnected, Fault::Forgetful, Fault::Paused];

/// What everybody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Faults, or a second since the last one: so long may a cache take to use a server again.
    Trouble,
    Quiet,
    /// The last one is over.
    End,
}

impl Phase {
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Trouble => b't',
            Self::Quiet => b'q',
            Self::End => b'e',
        }
    }

    pub fn from_byte(byte: u8) -> Self {
        match byte {
            b't' => Self::Trouble,
            b'q' => Self::Quiet,
            _ => Self::End,
        }
    }
}

/// The promise is one second; a little more, for the machine is busy with everybody's first loads.
const RECOVERY: Duration = Duration::from_millis(1_500);

type Failure = Box<dyn Error + Send + Sync>;

/// How the time is spent.
#[derive(Clone, Copy, Debug)]
pub struct Climate {
    pub length: Duration,
    pub quiet: Duration,
    /// Between two phases without.
    pub faults: usize,
    /// How long a fault lasts, in milliseconds, at least and at most.
    pub fault: (u64, u64),
}

/// Makes it: every fault in turn, until the time is over. Ends with a phase without any. How many faults there were.
pub async fn make(
    climate: Climate,
    server: &mut Server,
    told: &watch::Sender<Phase>,
    seed: u64,
) -> Result<usize, Failure> {
    let mut dice = Dice::new(seed);
    let end = Instant::now() + climate.length;
    let mut made = 0;
    loop {
        sleep(RECOVERY).await;
        told.send_replace(Phase::Quiet);
        sleep(climate.quiet).await;
        if Instant::now() >= end {
            told.send_replace(Phase::End);
            return Ok(made);
        }
        told.send_replace(Phase::Trouble);
        for _ in 0..climate.faults {
            let length = dice.millis(climate.fault.0, climate.fault.1);
            befall(ALL[made % ALL.len()], server, length, &mut dice).await?;
            made += 1;
            sleep(dice.millis(50, 400)).await;
        }
    }
}

/// One fault, from its beginning to its end.
async fn befall(fault: Fault, server: &mut Server, length: Duration, dice: &mut Dice) -> Result<(), Failure> {
    let until = Instant::now() + length;
    match fault {
        Fault::Killed => {
            server.kill().await?;
            sleep_until(until).await;
            server.restart().await?;
        }
        Fault::Frozen => {
            server.pause().await?;
            sleep_until(until).await;
            server.resume().await?;
        }
        Fault::Full => {
            server.must(&["CONFIG", "SET", "maxmemory", "1"]).await?;
            sleep_until(until).await;
            server.must(&["CONFIG", "SET", "maxmemory", "0"]).await?;
        }
        Fault::ReadOnly => {
            // Nobody listens there.
            server.must(&["REPLICAOF", "127.0.0.1", "1"]).await?;
            sleep_until(until).await;
            server.must(&["REPLICAOF", "NO", "ONE"]).await?;
        }
        Fault::Disconnected => {
            while Instant::now() < until {
                server.must(&["CLIENT", "KILL", "TYPE", "normal"]).await?;
                if dice.once_in(3) {
                    server.must(&["CLIENT", "KILL", "TYPE", "pubsub"]).await?;
                }
                sleep(dice.millis(20, 150)).await;
            }
        }
        Fault::Forgetful => {
            while Instant::now() < until {
                server.must(&["SCRIPT", "FLUSH"]).await?;
                sleep(dice.millis(5, 40)).await;
            }
        }
        Fault::Paused => {
            let millis = length.as_millis().to_string();
            let kind = if dice.once_in(2) { "WRITE" } else { "ALL" };
            server.must(&["CLIENT", "PAUSE", &millis, kind]).await?;
            sleep_until(until).await;
        }
    }
    Ok(())
}
