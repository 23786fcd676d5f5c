//! The reader between a connection and hyper: whole heads, and bodies as they are.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    check::{self, Seen},
    chunks::Chunks,
    exchange::{Exchange, Framing},
    rewrite,
    room::{Gathered, HeadRoom},
};
use crate::{gateway::refusal::Refusal, listener::Place};

/// Time for a request's head, from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long what still comes is read and thrown away when a connection ends in the middle of a request, so that
/// its sender sees the answer instead of a broken connection.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes that are thrown away then, at most.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A connection of which hyper reads one request after the other.
pub(in crate::gateway) struct HeadReader<S> {
    stream: S,
    /// What was received and is not given to hyper yet.
    gathered: Gathered,
    phase: Phase,
    exchange: Arc<Exchange>,
    place: Arc<Place>,
    idle_timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// What the timer runs for.
    timed: Timed,
    /// Bytes thrown away at the end, where the connection ends in the middle of a request.
    discarded: Option<usize>,
}

/// What comes next.
enum Phase {
    /// A head, of which so many bytes were looked at.
    Head(usize),
    /// A head that hyper can read, of which it has so many bytes.
    Given(Vec<u8>, usize),
    /// hyper has the whole head.
    Asked,
    /// So many bytes of a body.
    Length(u64),
    Chunked(Chunks),
    /// Nothing that would be read.
    Over,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timed {
    Nothing,
    FirstByte,
    Head,
    End,
}

impl<S: AsyncRead + AsyncWrite + Unpin> HeadReader<S> {
    /// A reader of `stream`, which is closed when nothing comes for `idle_timeout`.
    pub(in crate::gateway) fn new(
        stream: S,
        exchange: Arc<Exchange>,
        place: Arc<Place>,
        room: &HeadRoom,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            gathered: room.gathered(),
            phase: Phase::Head(0),
            exchange,
            place,
            idle_timeout,
            timer: None,
            timed: Timed::Nothing,
            discarded: None,
        }
    }

    /// Reads until there is a head to give, or nothing more. The usual head comes in one piece, which is
    /// read into `out` and stays there.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        mut known: usize,
    ) -> Poll<io::Result<()>> {
        if self.timed == Timed::Nothing {
            self.place.set_waiting();
        }
        if known == 0 && self.judge(&mut known) {
            return Poll::Ready(Ok(()));
        }
        loop {
            self.phase = Phase::Head(known);
            let before = out.filled().len();
            if Pin::new(&mut self.stream)
                .poll_read(context, out)?
                .is_pending()
            {
                ready!(self.poll_time(context));
                self.end();
                return Poll::Ready(Ok(()));
            }
            let new = out.filled().get(before..).unwrap_or_default();
            if new.is_empty() {
                self.end();
                return Poll::Ready(Ok(()));
            }
            let begins = new.first().is_some_and(|byte| !b"\r\n".contains(byte));
            let length = if begins && self.gathered.bytes().is_empty() {
                match check::look(new, 0) {
                    Seen::Plain(length) => length,
                    _ => 0,
                }
            } else {
                0
            };
            let fits = self.gathered.add(new.get(length..).unwrap_or_default());
            out.set_filled(before + length);
            if length > 0 {
                self.phase = Phase::Asked;
                return Poll::Ready(Ok(()));
            }
            if !fits {
                self.refuse(Refusal::Busy);
                return Poll::Ready(Ok(()));
            }
            if self.judge(&mut known) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Looks at what was gathered; whether there is something to give.
    fn judge(&mut self, known: &mut usize) -> bool {
        if *known == 0 {
            // Lines that are empty may stand before a request, and mean nothing.
            let bytes = self.gathered.bytes();
            let empty = bytes
                .iter()
                .take_while(|byte| b"\r\n".contains(byte))
                .count();
            self.gathered.remove(empty);
        }
        let bytes = self.gathered.bytes();
        if bytes.is_empty() {
            return false;
        }
        match check::look(bytes, *known) {
            Seen::Begun => {
                *known = bytes.len();
                return false;
            }
            Seen::Plain(length) => {
                let head = bytes.get(..length).unwrap_or_default().to_vec();
                self.give(length, head);
            }
            Seen::Rewritten(length, head) => self.give(length, head),
            Seen::Refused(refusal) => self.refuse(refusal),
        }
        true
    }

    /// Gives hyper `head` in place of so many bytes.
    fn give(&mut self, length: usize, head: Vec<u8>) {
        self.gathered.remove(length);
        self.phase = Phase::Given(head, 0);
    }

    /// Has the request refused: hyper gets one that it can read, with the origin of the one that it cannot.
    fn refuse(&mut self, refusal: Refusal) {
        let mut head = b"GET / HTTP/1.1\r\nConnection: close\r\n".to_vec();
        if let Some(origin) = rewrite::origin(self.gathered.bytes()) {
            head.extend_from_slice(b"Origin: ");
            head.extend_from_slice(origin);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        self.exchange.refuse(refusal);
        self.discarded = Some(0);
        self.give(usize::MAX, head);
    }

    /// Nothing more is read.
    fn end(&mut self) {
        self.gathered.remove(usize::MAX);
        self.phase = Phase::Over;
    }

    /// Gives the next bytes of a body, of which `within` takes no more than belong to it.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        mut within: impl FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        let gathered = self.gathered.bytes();
        if !gathered.is_empty() {
            let most = gathered.len().min(out.remaining());
            let given = gathered.get(..most).unwrap_or_default();
            let length = within(given);
            out.put_slice(given.get(..length).unwrap_or_default());
            self.gathered.remove(length);
            return Poll::Ready(Ok(()));
        }
        let before = out.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, out))?;
        let new = out.filled().get(before..).unwrap_or_default();
        let length = within(new);
        if !self.gathered.add(new.get(length..).unwrap_or_default()) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        out.set_filled(before + length);
        Poll::Ready(Ok(()))
    }

    /// What comes after the head that hyper has, by what it made of it.
    fn after_head(&mut self) -> io::Result<Phase> {
        Ok(match self.exchange.framing() {
            _ if self.discarded.is_some() => Phase::Over,
            Some(Framing::Length(0)) => self.whole(),
            Some(Framing::Length(length)) => Phase::Length(length),
            Some(Framing::Chunked) => Phase::Chunked(Chunks::BEGIN),
            // hyper sees no end of what is a whole head here.
            None => return Err(io::ErrorKind::InvalidData.into()),
        })
    }

    /// The next head begins here, but is not waited for before hyper asks for it.
    fn whole(&mut self) -> Phase {
        self.place.set_working();
        self.timed = Timed::Nothing;
        Phase::Head(0)
    }

    /// Ready when what is waited for has taken too long.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (reason, limit) = match (&self.phase, self.gathered.bytes()) {
            (Phase::Head(_), []) => (Timed::FirstByte, self.idle_timeout),
            (Phase::Head(_), _) => (Timed::Head, HEAD_TIMEOUT),
            _ => (Timed::End, LINGER),
        };
        let deadline = Instant::now() + limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if self.timed != reason {
            timer.as_mut().reset(deadline);
            self.timed = reason;
        }
        timer.as_mut().poll(context)
    }

    /// Reads and throws away what still comes, for a while.
    fn poll_linger(&mut self, context: &mut Context<'_>, mut discarded: usize) -> Poll<()> {
        let mut scratch = [0; 4096];
        while discarded < LINGER_BYTES {
            let mut scratch = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut scratch) {
                Poll::Pending => return self.poll_time(context),
                Poll::Ready(Ok(())) if !scratch.filled().is_empty() => {
                    discarded += scratch.filled().len();
                    self.discarded = Some(discarded);
                }
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for HeadReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = out.filled().len();
        loop {
            match &mut this.phase {
                Phase::Head(known) => {
                    let known = *known;
                    ready!(this.poll_head(context, out, known))?;
                    if out.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Given(head, at) => {
                    let rest = head.get(*at..).unwrap_or_default();
                    let length = rest.len().min(out.remaining());
                    out.put_slice(rest.get(..length).unwrap_or_default());
                    *at += length;
                    if *at == head.len() {
                        this.phase = Phase::Asked;
                    }
                    return Poll::Ready(Ok(()));
                }
                Phase::Asked => this.phase = this.after_head()?,
                Phase::Length(length) => {
                    let mut left = *length;
                    ready!(this.poll_body(context, out, |bytes| {
                        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                        left -= u64::try_from(here).unwrap_or(u64::MAX);
                        here
                    }))?;
                    this.phase = if left == 0 {
                        this.whole()
                    } else {
                        Phase::Length(left)
                    };
                    return Poll::Ready(Ok(()));
                }
                Phase::Chunked(chunks) => {
                    let mut chunks = *chunks;
                    ready!(this.poll_body(context, out, |bytes| chunks.pass(bytes)))?;
                    this.phase = match chunks {
                        Chunks::Ended => this.whole(),
                        chunks => Phase::Chunked(chunks),
                    };
                    return Poll::Ready(Ok(()));
                }
                Phase::Over => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadReader<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        let unread = match self.phase {
            Phase::Asked => !matches!(self.exchange.framing(), None | Some(Framing::Length(0))),
            Phase::Length(_) | Phase::Chunked(_) => true,
            _ => false,
        };
        if unread {
            self.discarded.get_or_insert(0);
        }
        if let Some(discarded) = self.discarded {
            self.end();
            ready!(self.poll_linger(context, discarded));
        }
        Poll::Ready(Ok(()))
    }
}
