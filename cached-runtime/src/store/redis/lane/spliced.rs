//! The client's stream, into which the lane's commands are spliced.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::reply::{self, Malformed, Reply};
use super::{Departure, ENOUGH, Lane, Owner};

/// What is read at a time, at most.
const CHUNK: usize = 32 << 10;

/// More room than that is not kept.
const KEPT: usize = 256 << 10;

/// See the module.
pub(in crate::store::redis) struct Spliced<S> {
    stream: S,
    lane: Lane,
    /// Taken from the lane: what is being written, and how much of it was.
    writing: Vec<u8>,
    written: usize,
    /// Taken from the lane.
    owners: VecDeque<Owner>,
    chunk: Box<[u8]>,
    /// A reply of which only the beginning was read.
    begun: Vec<u8>,
    /// The client's replies, and how much of them it has.
    theirs: Vec<u8>,
    taken: usize,
}

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        io::ErrorKind::InvalidData.into()
    }
}

impl<S> Spliced<S> {
    pub(in crate::store::redis) fn new(stream: S, lane: Lane) -> Self {
        Self {
            stream,
            lane,
            writing: Vec::new(),
            written: 0,
            owners: VecDeque::new(),
            chunk: vec![0; CHUNK].into(),
            begun: Vec::new(),
            theirs: Vec::new(),
            taken: 0,
        }
    }

    fn next_owner(&mut self) -> Option<Owner> {
        if self.owners.is_empty() {
            std::mem::swap(&mut self.owners, &mut self.lane.queue().owners);
        }
        self.owners.pop_front()
    }

    /// Gives each reply that is all there to whoever asked; says how much of `bytes` that was.
    fn deal_out(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty())
            && let Some(length) = reply::length(rest)?
        {
            let (whole, _) = rest.split_at(length);
            // Nobody has asked for a push.
            let owner = if whole.starts_with(b">") { None } else { self.next_owner() };
            match owner {
                // Whoever asked may be gone.
                Some(Owner::Call(to)) => _ = to.send(Reply::of(whole)),
                Some(Owner::Calls { mut replies, left, to }) => {
                    replies.push(Reply::of(whole));
                    if left > 1 {
                        self.owners.push_front(Owner::Calls { replies, left: left - 1, to });
                    } else {
                        _ = to.send(replies);
                    }
                }
                Some(Owner::Client) | None => self.theirs.extend_from_slice(whole),
            }
            at += length;
        }
        Ok(at)
    }

    /// What was read.
    fn understand(&mut self, filled: usize) -> Result<(), Malformed> {
        let chunk = std::mem::take(&mut self.chunk);
        let read = chunk.get(..filled).unwrap_or_default();
        let understood = if self.begun.is_empty() {
            self.deal_out(read).map(|dealt| self.begun.extend_from_slice(read.get(dealt..).unwrap_or_default()))
        } else {
            let mut begun = std::mem::take(&mut self.begun);
            begun.extend_from_slice(read);
            let dealt = self.deal_out(&begun);
            dealt.map(|dealt| {
                begun.drain(..dealt);
                if begun.is_empty() && begun.capacity() > KEPT {
                    begun = Vec::new();
                }
                self.begun = begun;
            })
        };
        self.chunk = chunk;
        understood
    }
}

/// With the stream: nobody is answered any more.
impl<S> Drop for Spliced<S> {
    fn drop(&mut self) {
        let mut queue = self.lane.queue();
        queue.ended = true;
        let lost = (std::mem::take(&mut queue.owners), queue.driver.take());
        drop(queue);
        drop(lost);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Spliced<S> {
    /// Reads for both, and gives the client what is its own.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(theirs) = this.theirs.get(this.taken..).filter(|theirs| !theirs.is_empty()) {
                let some = theirs.len().min(buf.remaining());
                buf.put_slice(theirs.get(..some).unwrap_or_default());
                this.taken += some;
                if this.taken == this.theirs.len() {
                    this.theirs.clear();
                    this.taken = 0;
                }
                return Poll::Ready(Ok(()));
            }
            let mut chunk = ReadBuf::new(&mut this.chunk);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut chunk))?;
            match chunk.filled().len() {
                0 => return Poll::Ready(Ok(())),
                filled => this.understand(filled)?,
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Spliced<S> {
    /// What the client writes goes behind what there is: whole commands, since all of it is taken.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut queue = self.lane.queue();
        let mut rest = buf;
        while !rest.is_empty() {
            let Some(length) = reply::length(rest)? else { return Poll::Ready(Err(Malformed.into())) };
            queue.owners.push_back(Owner::Client);
            rest = rest.get(length..).unwrap_or_default();
        }
        queue.commands.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    /// Writes what all have left. The client calls this with everything that it does, last.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            while let Some(rest) = this.writing.get(this.written..).filter(|rest| !rest.is_empty()) {
                match ready!(Pin::new(&mut this.stream).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => this.written += written,
                }
            }
            this.writing.clear();
            this.written = 0;
            if this.writing.capacity() > KEPT {
                this.writing = Vec::new();
            }
            let mut queue = this.lane.queue();
            if queue.commands.is_empty() {
                // Whoever comes from here on wakes the driver.
                queue.driver = Some(cx.waker().clone());
                break;
            }
            // Whoever is alone does not wait.
            let several = queue.owners.len() + this.owners.len() > 1;
            if several && queue.departure != Departure::Now && queue.commands.len() < ENOUGH {
                queue.driver = Some(cx.waker().clone());
                if std::mem::replace(&mut queue.departure, Departure::Later) == Departure::Open {
                    this.lane.0.bell.notify_one();
                }
                return Poll::Pending;
            }
            queue.departure = Departure::Open;
            std::mem::swap(&mut queue.commands, &mut this.writing);
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
