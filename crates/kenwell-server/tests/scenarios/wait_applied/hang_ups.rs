//! Senders that have hung up keep nobody else from waiting; who only sends no more is served.

use std::{
    cell::Cell,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
};

use super::{accepted, event, page, reason, send, stored, waits};
use crate::support::{PATIENCE, Redis, Server, eventually};

/// How a sender leaves.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    Close,
    Reset,
}

/// Sends an identify that waits for so long, and leaves the connection open.
fn begin(server: &Server, user: &str, timeout: &str) -> TcpStream {
    let body = event(user, 1);
    let mut stream = TcpStream::connect(&server.gateway).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "POST /v1/identify?wait=applied&timeout={timeout} HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// Four places, two of them for one source.
fn server(redis: &Redis) -> Server {
    let tables = format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        redis.address()
    );
    Server::with_gateway("max_connections = 16", &tables)
}

fn leave(stream: TcpStream, leaving: Leaving) {
    match leaving {
        Leaving::Close => drop(stream),
        Leaving::Reset => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let _context = runtime.enter();
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            stream.set_zero_linger().unwrap();
        }
    }
}

#[test]
fn as_many_hang_ups_as_there_are_places_keep_nobody_from_waiting() {
    for leaving in [Leaving::Close, Leaving::Reset] {
        let mut redis = Redis::start();
        let server = server(&redis);
        redis.kill();
        let gone = [begin(&server, "a", "60s"), begin(&server, "b", "60s")];
        accepted(&server, "profiles", 2);
        let (sent, timeouts) = (Cell::new(2), Cell::new(0));
        let look = || {
            let said = reason(&send(&server, "c", 1, "1ms"));
            sent.set(sent.get() + 1);
            timeouts.set(timeouts.get() + u64::from(said == "timeout"));
            said
        };
        eventually("both places to be taken", || {
            (look() == "too_many_waits").then_some(())
        });
        for stream in gone {
            leave(stream, leaving);
        }
        let find_place = || (look() == "timeout").then_some(());
        eventually("a place to be had", find_place);
        // It is free now. The other one is there, too.
        let mut comes = begin(&server, "d", "60s");
        accepted(&server, "profiles", sent.get() + 1);
        eventually("the other place to be had", find_place);
        // Nobody who has left was waited for to the end.
        let timed_out = waits(&server, "write", "timeout");
        assert_eq!(timed_out, timeouts.get(), "{leaving:?}");
        redis.restart();
        let mut answer = String::new();
        comes.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        server.settle("profiles");
        for user in ["a", "b", "c", "d"] {
            assert_eq!(stored(&redis, user), Some(1), "{leaving:?}");
        }
        if matches!(leaving, Leaving::Reset) {
            assert_eq!(waits(&server, "write", "hung_up"), 2);
        }
    }
}

#[test]
fn who_sends_no_more_is_served() {
    let mut redis = Redis::start();
    let server = server(&redis);
    redis.kill();
    let mut waiting = [begin(&server, "a", "60s"), begin(&server, "b", "60s")];
    for stream in &waiting {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    accepted(&server, "profiles", 2);
    redis.restart();
    for stream in &mut waiting {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    assert_eq!(waits(&server, "write", "applied"), 2);
    // Once their places are needed, they are told so.
    redis.kill();
    let mut waiting = [begin(&server, "a", "60s"), begin(&server, "b", "60s")];
    accepted(&server, "profiles", 4);
    eventually("both places to be taken", || {
        (reason(&send(&server, "c", 1, "1ms")) == "too_many_waits").then_some(())
    });
    waiting[0].shutdown(Shutdown::Write).unwrap();
    eventually("a place to be had", || {
        let said = page(&send(&server, "c", 1, "1ms"));
        (said["reason"] == "timeout").then_some(())
    });
    let mut answer = String::new();
    waiting[0].read_to_string(&mut answer).unwrap();
    assert!(answer.contains("too_many_waits"), "{answer}");
    redis.restart();
    answer.clear();
    waiting[1].read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
