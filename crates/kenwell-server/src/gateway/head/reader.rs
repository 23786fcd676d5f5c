//! The reader between a connection and hyper: whole heads, and bodies as they are.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    chunked_body::ChunkedBody,
    exchange::{Exchange, Framing},
    memory::{HeadBuffer, HeadMemory},
    parse::{self, ParsedHead},
    response::{self, After},
    rewrite,
    sender_timeout::{Awaited, SenderTimeout},
    whole_request::WholeRequest,
};
use crate::{gateway::refusal::Refusal, listener::Place};

/// Time for a request's head, from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long what still comes is read and thrown away when a connection ends in the middle of a request, so that
/// its sender sees the answer instead of a broken connection.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes that are thrown away then, at most.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A connection as hyper reads it, one request after the other. Hyper does not see those that are whole at once and
/// that `begin` begins to answer: their answers are written here.
pub(in crate::gateway) struct HeadReader<S, B, A> {
    stream: S,
    /// What was received and is not given to hyper yet.
    buffer: HeadBuffer,
    phase: Phase<A>,
    exchange: Arc<Exchange>,
    place: Arc<Place>,
    idle_timeout: Duration,
    timeout: SenderTimeout,
    /// Bytes thrown away at the end, where the connection ends in the middle of a request.
    discarded: Option<usize>,
    /// Begins to answer a request that came whole, unless it is one for hyper.
    begin: B,
    /// Whether hyper has written something that it has not flushed: until then nothing else may be written.
    has_unflushed: bool,
    /// What follows on an answer.
    after: After,
}

/// What comes next.
enum Phase<A> {
    /// A head, of which so many bytes were parsed.
    Head(usize),
    /// A head in place of the one that was sent, of which hyper has so many bytes.
    Replacement(Vec<u8>, usize),
    /// What follows the head, which hyper has whole.
    AfterHead,
    /// So many bytes of a body.
    Body(u64),
    ChunkedBody(ChunkedBody),
    /// The answer to a request that hyper does not see.
    Answering(Pin<Box<A>>),
    /// An answer, of which so many bytes are written.
    Answered(Vec<u8>, usize),
    /// Nothing that would be read.
    Ended,
}

impl<S, B, A> HeadReader<S, B, A>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: FnMut(&WholeRequest<'_>) -> Option<A> + Unpin,
    A: Future<Output = Response<Bytes>>,
{
    /// A reader of `stream`, which is closed when nothing comes for `idle_timeout`.
    pub(in crate::gateway) fn new(
        stream: S,
        exchange: Arc<Exchange>,
        place: Arc<Place>,
        memory: &HeadMemory,
        idle_timeout: Duration,
        begin: B,
    ) -> Self {
        Self {
            stream,
            buffer: memory.buffer(),
            phase: Phase::Head(0),
            exchange,
            place,
            idle_timeout,
            timeout: SenderTimeout::default(),
            discarded: None,
            begin,
            has_unflushed: false,
            after: After::NextRequest,
        }
    }

    /// Reads until there is a head to give to hyper, or nothing more. The usual head comes in one piece, which is
    /// read into `out` and stays there.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        mut known: usize,
    ) -> Poll<io::Result<()>> {
        if self.timeout.is_stopped() {
            self.place.set_waiting();
        }
        if known == 0 && self.parse(&mut known) {
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
            let begins = new.first().is_some_and(|byte| !b"\r\n".contains(byte))
                && self.buffer.bytes().is_empty();
            if begins && let Some((answer, length)) = self.answer_whole(new) {
                // Beyond it is little: less than fits into what hyper reads at once.
                let fits = self.buffer.add(new.get(length..).unwrap_or_default());
                out.set_filled(before);
                self.phase = Phase::Answering(Box::pin(answer));
                let memory = io::Error::from(io::ErrorKind::OutOfMemory);
                return Poll::Ready(if fits { Ok(()) } else { Err(memory) });
            }
            let length = if begins {
                match parse::parse(new, 0) {
                    ParsedHead::Plain(length) => length,
                    _ => 0,
                }
            } else {
                0
            };
            let fits = self.buffer.add(new.get(length..).unwrap_or_default());
            out.set_filled(before + length);
            if length > 0 {
                self.phase = Phase::AfterHead;
                return Poll::Ready(Ok(()));
            }
            if !fits {
                self.refuse(Refusal::Busy);
                return Poll::Ready(Ok(()));
            }
            if self.parse(&mut known) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Begins to answer the request at the beginning of `bytes`, if it is there whole and none for hyper. Gives the answer
    /// and the request's length.
    fn answer_whole(&mut self, bytes: &[u8]) -> Option<(A, usize)> {
        if self.has_unflushed {
            return None;
        }
        let (request, length) = WholeRequest::parse(bytes)?;
        let answer = (self.begin)(&request)?;
        self.place.set_working();
        Some((answer, length))
    }

    /// Waits for the answer to a request that hyper does not see, if there is one, and writes it.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.phase {
                Phase::Answering(answer) => {
                    let response = ready!(answer.as_mut().poll(context));
                    let bytes = response::encode(&response, self.after);
                    self.phase = Phase::Answered(bytes, 0);
                }
                Phase::Answered(bytes, written) => {
                    let rest = bytes.get(*written..).unwrap_or_default();
                    if rest.is_empty() {
                        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
                        self.phase = self.next_head();
                        return Poll::Ready(Ok(()));
                    }
                    match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                        count => *written += count,
                    }
                }
                _ => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Parses what was received; whether there is something to give to hyper.
    fn parse(&mut self, known: &mut usize) -> bool {
        if *known == 0 {
            // Lines that are empty may stand before a request, and mean nothing.
            let bytes = self.buffer.bytes();
            let empty = bytes
                .iter()
                .take_while(|byte| b"\r\n".contains(byte))
                .count();
            self.buffer.remove(empty);
        }
        let bytes = self.buffer.bytes();
        if bytes.is_empty() {
            return false;
        }
        match parse::parse(bytes, *known) {
            ParsedHead::Incomplete => {
                *known = bytes.len();
                return false;
            }
            ParsedHead::Plain(length) => {
                let head = bytes.get(..length).unwrap_or_default().to_vec();
                self.give(length, head);
            }
            ParsedHead::Rewritten(length, head) => self.give(length, head),
            ParsedHead::Refused(refusal) => self.refuse(refusal),
        }
        true
    }

    /// Gives hyper `head` in place of so many bytes.
    fn give(&mut self, length: usize, head: Vec<u8>) {
        self.buffer.remove(length);
        self.phase = Phase::Replacement(head, 0);
    }

    /// Has the request refused: hyper gets one that it can read, with the origin of the one that it cannot.
    fn refuse(&mut self, refusal: Refusal) {
        let mut head = b"GET / HTTP/1.1\r\nConnection: close\r\n".to_vec();
        if let Some(origin) = rewrite::origin(self.buffer.bytes()) {
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
        self.buffer.remove(usize::MAX);
        self.phase = Phase::Ended;
    }

    /// Gives the next bytes of a body, of which `within` takes no more than belong to it.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        mut within: impl FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        let received = self.buffer.bytes();
        if !received.is_empty() {
            let most = received.len().min(out.remaining());
            let given = received.get(..most).unwrap_or_default();
            let length = within(given);
            out.put_slice(given.get(..length).unwrap_or_default());
            self.buffer.remove(length);
            return Poll::Ready(Ok(()));
        }
        let before = out.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, out))?;
        let new = out.filled().get(before..).unwrap_or_default();
        let length = within(new);
        if !self.buffer.add(new.get(length..).unwrap_or_default()) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        out.set_filled(before + length);
        Poll::Ready(Ok(()))
    }

    /// What comes after the head that hyper has, by what it made of it.
    fn after_head(&mut self) -> io::Result<Phase<A>> {
        Ok(match self.exchange.framing() {
            _ if self.discarded.is_some() => Phase::Ended,
            Some(Framing::Length(0)) => self.next_head(),
            Some(Framing::Length(length)) => Phase::Body(length),
            Some(Framing::Chunked) => Phase::ChunkedBody(ChunkedBody::BEGIN),
            // hyper sees no end of what is a whole head here.
            None => return Err(io::ErrorKind::InvalidData.into()),
        })
    }

    /// The next head begins here, but is not waited for before hyper asks for it.
    fn next_head(&mut self) -> Phase<A> {
        self.place.set_working();
        self.timeout.stop();
        Phase::Head(0)
    }

    /// Ready when what is waited for has taken too long.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (reason, limit) = match (&self.phase, self.buffer.bytes()) {
            (Phase::Head(_), []) => (Awaited::FirstByte, self.idle_timeout),
            (Phase::Head(_), _) => (Awaited::Head, HEAD_TIMEOUT),
            _ => (Awaited::End, LINGER),
        };
        self.timeout.poll(context, reason, limit)
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

impl<S, B, A> AsyncRead for HeadReader<S, B, A>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: FnMut(&WholeRequest<'_>) -> Option<A> + Unpin,
    A: Future<Output = Response<Bytes>>,
{
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
                Phase::Replacement(head, at) => {
                    let rest = head.get(*at..).unwrap_or_default();
                    let length = rest.len().min(out.remaining());
                    out.put_slice(rest.get(..length).unwrap_or_default());
                    *at += length;
                    if *at == head.len() {
                        this.phase = Phase::AfterHead;
                    }
                    return Poll::Ready(Ok(()));
                }
                Phase::AfterHead => this.phase = this.after_head()?,
                Phase::Body(length) => {
                    let mut left = *length;
                    ready!(this.poll_body(context, out, |bytes| {
                        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                        left -= u64::try_from(here).unwrap_or(u64::MAX);
                        here
                    }))?;
                    this.phase = if left == 0 {
                        this.next_head()
                    } else {
                        Phase::Body(left)
                    };
                    return Poll::Ready(Ok(()));
                }
                Phase::ChunkedBody(chunks) => {
                    let mut chunks = *chunks;
                    ready!(this.poll_body(context, out, |bytes| chunks.pass(bytes)))?;
                    this.phase = match chunks {
                        ChunkedBody::Ended => this.next_head(),
                        chunks => Phase::ChunkedBody(chunks),
                    };
                    return Poll::Ready(Ok(()));
                }
                Phase::Answering(_) | Phase::Answered(..) => ready!(this.poll_answer(context))?,
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S, B, A> AsyncWrite for HeadReader<S, B, A>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: FnMut(&WholeRequest<'_>) -> Option<A> + Unpin,
    A: Future<Output = Response<Bytes>>,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.has_unflushed = true;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.has_unflushed = true;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.has_unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Hyper knows nothing of a request that it does not see, which is answered all the same.
        self.after = After::Close;
        ready!(self.poll_answer(context))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        let unread = match self.phase {
            Phase::AfterHead => !matches!(self.exchange.framing(), None | Some(Framing::Length(0))),
            Phase::Body(_) | Phase::ChunkedBody(_) => true,
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
