//! The reader against a model: requests of every kind, in pieces of every size, come out as they are meant to.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use fastrand::Rng;
use http::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    exchange::{Exchange, Framing},
    memory::HeadMemory,
    reader::HeadReader,
    whole_request::WholeRequest,
};
use crate::listener::Places;

/// A connection on which pieces have arrived.
struct PiecesStream(VecDeque<Vec<u8>>);

impl AsyncRead for PiecesStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let rest = piece.split_off(piece.len().min(out.remaining()));
            out.put_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PiecesStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request as it is sent, and what hyper is to read of it.
struct RequestCase {
    sent: Vec<u8>,
    head: Vec<u8>,
    body: Vec<u8>,
    framing: Framing,
}

fn case(random: &mut Rng) -> RequestCase {
    let (target, written) = *random
        .choice(&[
            ("/v1/batch", "/v1/batch"),
            ("/a?b=<c>", "/a?b=%3Cc%3E"),
            ("/é\"", "/%C3%A9%22"),
            ("http://k/{}#", "http://k/%7B%7D%23"),
        ])
        .unwrap();
    let count = *random.choice(&[0, 3, 99, 150]).unwrap();
    let others: Vec<_> = (0..count)
        .map(|n| format!("X-{n}: GET /<> HTTP/1.1\r\n"))
        .collect();
    // Bodies that look like anything but bodies.
    let text = b"GET /<> HTTP/1.1\r\n\r\n0\r\n\r\n{\n\n}";
    let length = random.usize(0..5000);
    let data: Vec<u8> = text.iter().copied().cycle().take(length).collect();
    let (framing, line, body) = if random.bool() {
        let mut body = Vec::new();
        let mut rest = &data[..];
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(random.usize(1..=rest.len()));
            body.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
            rest = after;
        }
        body.extend_from_slice(
            random
                .choice(&[&b"0\r\n\r\n"[..], b"0\r\nT: x\r\n\r\n"])
                .unwrap(),
        );
        let line = "Transfer-Encoding: chunked\r\n".to_owned();
        (Framing::Chunked, line, body)
    } else {
        let length = u64::try_from(data.len()).unwrap();
        let line = format!("Content-Length: {length}\r\n");
        (Framing::Length(length), line, data)
    };
    let others = others.concat();
    // With the line of the length there are more than a hundred, or not.
    let kept = if count < 100 { &others[..] } else { "" };
    let sent = format!("POST {target} HTTP/1.1\r\n{others}{line}\r\n");
    let head = format!("POST {written} HTTP/1.1\r\n{kept}{line}\r\n");
    let empty = *random.choice(&[&b""[..], b"\r\n", b"\n\r\n"]).unwrap();
    RequestCase {
        sent: [empty, sent.as_bytes(), &body].concat(),
        head: head.into_bytes(),
        body,
        framing,
    }
}

fn pieces(random: &mut Rng, mut bytes: &[u8]) -> PiecesStream {
    let largest = *random.choice(&[1, 7, 300, 9000, 1_000_000]).unwrap();
    let mut pieces = VecDeque::new();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(random.usize(1..=largest).min(bytes.len()));
        pieces.push_back(piece.to_vec());
        bytes = rest;
    }
    PiecesStream(pieces)
}

/// Reads until there are so many bytes, and no more.
fn read(reader: &mut (impl AsyncRead + Unpin), random: &mut Rng, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let mut scratch = vec![0; random.usize(1..20_000)];
        let mut out = ReadBuf::new(&mut scratch);
        let mut context = Context::from_waker(Waker::noop());
        let polled = Pin::new(&mut *reader).poll_read(&mut context, &mut out);
        assert!(matches!(polled, Poll::Ready(Ok(()))), "{polled:?}");
        assert!(!out.filled().is_empty(), "it ends after {}", all.len());
        all.extend_from_slice(out.filled());
    }
    all
}

#[tokio::test]
async fn what_is_sent_is_read_as_it_is_meant_and_never_beyond_it() {
    let (memory, places) = (HeadMemory::new(), Places::new(1));
    for seed in 0..400 {
        let mut random = Rng::with_seed(seed);
        let cases: Vec<_> = (0..random.usize(1..6)).map(|_| case(&mut random)).collect();
        let sent: Vec<_> = cases.iter().map(|case| &case.sent[..]).collect();
        let stream = pieces(&mut random, &sent.concat());
        let exchange = Arc::new(Exchange::default());
        let place = Arc::new(places.take().await.unwrap());
        let idle = Duration::from_mins(1);
        // All of them are for hyper.
        let begin = |_: &WholeRequest<'_>| None::<std::future::Ready<Response<Bytes>>>;
        let exchange_of_reader = Arc::clone(&exchange);
        let mut reader = HeadReader::new(stream, exchange_of_reader, place, &memory, idle, begin);
        for case in cases {
            let head = read(&mut reader, &mut random, case.head.len());
            let (head, meant) = (String::from_utf8(head), String::from_utf8(case.head));
            assert_eq!(head, meant, "seed {seed}");
            assert_eq!(exchange.read(case.framing), None, "seed {seed}");
            let body = read(&mut reader, &mut random, case.body.len());
            assert!(body == case.body, "seed {seed}");
        }
    }
}
