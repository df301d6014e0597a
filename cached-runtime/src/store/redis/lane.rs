//! The lane: our own commands on a connection of the client's.
//!
//! The client logs in, hears pushes and drives the socket. But what it does per command (a message, a future of more than
//! a kilobyte, a reply of general shape) is most of what a hit would cost. So its stream is [`Spliced`]: commands of ours
//! are appended to what it writes, whoever asks, and their replies are taken out of what it reads.
//!
//! *All* commands of the store's callers go here: those of one task arrive in the order in which they were polled first,
//! which gives back a lease before it is asked for again, and deletes before it reads. What the supervisor asks goes
//! through the client, on the same socket.

mod reply;
mod spliced;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use ::redis::RedisError;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

pub(super) use self::reply::Reply;
pub(super) use self::spliced::Spliced;

/// So many bytes are worth a system call of their own.
const ENOUGH: usize = 8 << 10;

/// Nobody is let on for longer.
const AT_MOST: Duration = Duration::from_millis(1);

/// Where callers leave their commands.
#[derive(Clone, Default)]
pub(super) struct Lane(Arc<Shared>);

/// What is on its way are keys, values and, once, a password.
impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Rung where others are to be let on.
    bell: Notify,
}

/// Whether what is there is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Departure {
    /// That was not asked yet.
    #[default]
    Open,
    /// Not before others have had their turn, or there is enough.
    Later,
    Now,
}

/// What is on its way.
#[derive(Default)]
struct Queue {
    /// Commands that were not written yet.
    commands: Vec<u8>,
    /// Whose the next replies are, in the order of all commands.
    owners: VecDeque<Owner>,
    departure: Departure,
    /// Of the task that drives the socket, where it has nothing to write now.
    driver: Option<Waker>,
    /// The connection is gone.
    ended: bool,
}

/// Whose a reply is.
enum Owner {
    Client,
    Call(oneshot::Sender<Reply>),
    Calls { replies: Vec<Reply>, left: usize, to: oneshot::Sender<Vec<Reply>> },
}

/// What a call says that is lost with its connection.
pub(super) fn lost() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()
}

impl Lane {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where several calls are under way, those that are about to ask too are let on: each write is a system call, and
    /// costs more than what it writes. This is a task beside the driver's; whoever wakes it lets all others run that can
    /// run by now, and the driver may still be woken before, when there is enough.
    pub(super) async fn let_others_on(self) {
        loop {
            self.0.bell.notified().await;
            // This worker of the runtime alone wakes who yields on it, and not before the task that it runs next gives it
            // back. The others are not to wait for that.
            let _ = timeout(AT_MOST, tokio::task::yield_now()).await;
            let mut queue = self.queue();
            if queue.departure == Departure::Later {
                queue.departure = Departure::Now;
                let driver = queue.driver.take();
                drop(queue);
                driver.into_iter().for_each(Waker::wake);
            }
        }
    }

    fn send(&self, encode: impl FnOnce(&mut Vec<u8>), owner: Owner) {
        let mut queue = self.queue();
        if queue.ended {
            // With its sender, the answer is lost.
            return;
        }
        encode(&mut queue.commands);
        queue.owners.push_back(owner);
        let waits = queue.departure == Departure::Later && queue.commands.len() < ENOUGH;
        let driver = if waits { None } else { queue.driver.take() };
        // Unlocked first: whoever is woken needs the lock.
        drop(queue);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Sends a command, which `encode` appends. It is on its way when this returns.
    pub(super) fn ask(&self, encode: impl FnOnce(&mut Vec<u8>)) -> oneshot::Receiver<Reply> {
        let (to, reply) = oneshot::channel();
        self.send(encode, Owner::Call(to));
        reply
    }

    /// Sends so many commands at once.
    pub(super) fn ask_all(&self, commands: &[u8], count: usize) -> oneshot::Receiver<Vec<Reply>> {
        let (to, replies) = oneshot::channel();
        // Who owns no reply would take the next one's.
        if count == 0 {
            return replies;
        }
        let owner = Owner::Calls { replies: Vec::with_capacity(count), left: count, to };
        self.send(|out| out.extend_from_slice(commands), owner);
        replies
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWrite as _, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// The client's end, the lane, and the server's end: no more than seven bytes are on their way at a time.
    fn spliced() -> (Spliced<DuplexStream>, Lane, DuplexStream) {
        let (stream, server) = duplex(7);
        let lane = Lane::default();
        tokio::spawn(lane.clone().let_others_on());
        (Spliced::new(stream, lane.clone()), lane, server)
    }

    fn command(name: &str) -> String {
        format!("*1\r\n${}\r\n{name}\r\n", name.len())
    }

    #[tokio::test]
    async fn replies_reach_whoever_asked_in_the_order_of_all_commands() {
        let (mut client, lane, mut server) = spliced();
        client.write_all(command("FIRST").as_bytes()).await.unwrap();
        let one = lane.ask(|out| out.extend_from_slice(command("ONE").as_bytes()));
        let two = lane.ask_all((command("TWO") + &command("THREE")).as_bytes(), 2);
        client.write_all(command("LAST").as_bytes()).await.unwrap();

        let asked = ["FIRST", "ONE", "TWO", "THREE", "LAST"].map(command).concat();
        let mut heard = vec![0; asked.len()];
        let (flushed, read) = tokio::join!(client.flush(), server.read_exact(&mut heard));
        assert!(flushed.is_ok() && read.is_ok());
        assert_eq!(heard.escape_ascii().to_string(), asked.as_bytes().escape_ascii().to_string());

        let push = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
        let theirs = ["+first\r\n", push, "*2\r\n:1\r\n_\r\n"].concat();
        let said = ["+first\r\n", "$3\r\n1\r\n\r\n", push, "-ERR two\r\n", "_\r\n", "*2\r\n:1\r\n_\r\n"].concat();
        let mut taken = vec![0; theirs.len()];
        let (said, read) = tokio::join!(server.write_all(said.as_bytes()), client.read_exact(&mut taken));
        assert!(said.is_ok() && read.is_ok());
        assert_eq!(taken.escape_ascii().to_string(), theirs.as_bytes().escape_ascii().to_string());
        assert_eq!(one.await.unwrap(), Reply::Text("1\r\n".into()));
        assert_eq!(two.await.unwrap(), [Reply::Other(b"-ERR two\r\n".as_slice().into()), Reply::Nil]);
    }

    #[tokio::test]
    async fn no_command_at_all_takes_nobodys_reply() {
        let (mut client, lane, mut server) = spliced();
        assert!(lane.ask_all(b"", 0).await.is_err());
        let one = lane.ask(|out| out.extend_from_slice(command("ONE").as_bytes()));
        let mut heard = vec![0; command("ONE").len()];
        let (flushed, read) = tokio::join!(client.flush(), server.read_exact(&mut heard));
        assert!(flushed.is_ok() && read.is_ok());
        let mut end = [0; 1];
        let (said, read) = tokio::join!(server.write_all(b"$1\r\n1\r\n+x\r\n"), client.read(&mut end));
        assert!(said.is_ok() && read.is_ok());
        assert_eq!(one.await.unwrap(), Reply::Text("1".into()));
    }

    #[tokio::test]
    async fn with_the_stream_every_answer_is_lost() {
        let (client, lane, _server) = spliced();
        let before = lane.ask(|out| out.extend_from_slice(command("BEFORE").as_bytes()));
        drop(client);
        assert!(before.await.is_err());
        assert!(lane.ask_all(command("AFTER").as_bytes(), 1).await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_reply_ends_the_stream() {
        let (mut client, _lane, mut server) = spliced();
        let (said, read) = tokio::join!(server.write_all(b"ho!\r\n"), client.read_u8());
        assert!(said.is_ok());
        assert_eq!(read.map_err(|error| error.kind()), Err(std::io::ErrorKind::InvalidData));
    }

    #[tokio::test]
    async fn whoever_asks_wakes_the_task_that_writes() {
        let (mut client, lane, mut server) = spliced();
        let driver = tokio::spawn(async move {
            std::future::poll_fn(|cx| {
                // As the client does: never done.
                let _ = std::pin::Pin::new(&mut client).poll_flush(cx);
                std::task::Poll::<()>::Pending
            })
            .await
        });
        tokio::task::yield_now().await;
        for name in ["A", "B"] {
            let _reply = lane.ask(|out| out.extend_from_slice(command(name).as_bytes()));
            let mut heard = vec![0; command(name).len()];
            server.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, command(name).as_bytes());
        }
        driver.abort();
    }
}
