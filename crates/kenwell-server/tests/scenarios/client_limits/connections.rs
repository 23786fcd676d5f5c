//! Every place is taken: who has to wait for nobody gives way, and there is always one more for readiness.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::{
    client_limits::{BEGUN, IDENTIFY, NeverReading, SLOW, is_served, saying, tables},
    support::{ADMIN_KEY, Client, Redis, Server, eventually, raw},
};

#[test]
fn connections_that_keep_us_waiting_make_room() {
    let redis = Redis::start();
    let server = Server::with_gateway("max_connections = 4", &tables(&redis));
    for bytes in [&b""[..], BEGUN, SLOW] {
        let crowd: Vec<_> = (0..20)
            .map(|_| saying(&server.gateway, bytes).unwrap())
            .collect();
        for _ in 0..20 {
            let mut client = Client::connect(&server.gateway);
            assert_eq!(client.post("/v1/identify", IDENTIFY).unwrap().status, 200);
        }
        drop(crowd);
    }
}

#[test]
fn the_one_that_has_been_silent_for_longest_goes_first() {
    let redis = Redis::start();
    let server = Server::with_gateway("max_connections = 2", &tables(&redis));
    let mut clients: Vec<_> = (0..2).map(|_| Client::connect(&server.gateway)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            assert_eq!(client.post("/v1/identify", IDENTIFY).unwrap().status, 200);
        }
    }
    assert_eq!(
        clients[0].post("/v1/identify", IDENTIFY).unwrap().status,
        200
    );
    let mut third = Client::connect(&server.gateway);
    assert_eq!(third.post("/v1/identify", IDENTIFY).unwrap().status, 200);
    assert!(clients[1].receive(false).is_none(), "it is closed");
    assert_eq!(
        clients[0].post("/v1/identify", IDENTIFY).unwrap().status,
        200
    );
}

#[test]
fn where_nobody_gives_way_the_rest_is_told_so_and_health_is_answered() {
    let redis = Redis::start();
    let server = Server::with_gateway("max_connections = 2", &tables(&redis));
    let over = Arc::new(AtomicBool::new(false));
    let strangers: Vec<_> = (0..2)
        .map(|_| {
            let (address, over) = (server.gateway.clone(), Arc::clone(&over));
            thread::spawn(move || hold(&address, &over))
        })
        .collect();
    let origin = "https://shop.example";
    let ask = |line: &str| {
        let bytes = format!("{line} HTTP/1.1\r\nHost: k\r\nOrigin: {origin}\r\n\r\n");
        let mut client = Client::connect(&server.gateway);
        client.send(bytes.as_bytes()).ok()?;
        client.receive(false)
    };
    let reply = eventually("every place to be taken", || {
        ask("GET /v1/batch").filter(|reply| reply.status == 503)
    });
    assert_eq!(reply.text(), "Service Unavailable\n");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
    // Also to one who is still sending: what comes is read, so that the answer arrives.
    eventually("a sender to hear of it", || {
        let mut sender = Client::connect(&server.gateway);
        let reply = sender.post("/v1/batch", &vec![b' '; 3_000_000])?;
        (reply.status == 503).then_some(())
    });
    // Those who only wait do not keep the last places from whoever looks after the server.
    let crowd: Vec<_> = (0..100)
        .map(|_| saying(&server.gateway, BEGUN).unwrap())
        .collect();
    eventually("health", || {
        ask("GET /health").filter(|reply| reply.status == 200)
    });
    over.store(true, Ordering::Relaxed);
    drop(crowd);
    for stranger in strangers {
        stranger.join().unwrap();
    }
    eventually("a place to be free again", || is_served(&server));
}

/// Holds a place by never reading, again whenever it was lost.
fn hold(address: &str, over: &AtomicBool) {
    let request = b"GET /sourceConfig?writeKey=WK HTTP/1.1\r\nHost: k\r\n\r\n";
    while !over.load(Ordering::Relaxed) {
        let Some(mut stranger) = NeverReading::connect(address, request) else {
            return;
        };
        while stranger.goes_on() && !over.load(Ordering::Relaxed) {}
    }
}

#[test]
fn readiness_and_metrics_are_answered_though_every_place_is_taken() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis));
    let login = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nkey";
    let mut crowd = Vec::new();
    for bytes in [&login[..], BEGUN, b""] {
        for _ in 0..300 {
            crowd.push(saying(&server.private, bytes).unwrap());
        }
    }
    assert_eq!(server.ready().status, 200);
    let metrics = format!(
        "GET /metrics HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\r\n",
        server.private
    );
    assert_eq!(raw(&server.private, metrics.as_bytes()).status, 200);
    drop(crowd);
}

#[test]
fn a_connection_without_a_request_is_closed_after_the_idle_timeout() {
    let redis = Redis::start();
    let server = Server::with_gateway("idle_timeout = \"2s\"", &tables(&redis));
    let mut slow = Client::connect(&server.gateway);
    slow.send(BEGUN).unwrap();
    // On a busy machine it may be closed before it says anything.
    let mut idle = eventually("a request in time", || {
        let mut idle = Client::try_connect(&server.gateway)?;
        let reply = idle.post("/v1/identify", IDENTIFY)?;
        (reply.status == 200).then_some(idle)
    });
    assert!(idle.receive(false).is_none(), "it is closed");
    // A request that was begun has its own time.
    slow.send(b"Content-Length: 2\r\n\r\n{}").unwrap();
    assert_eq!(slow.receive(false).unwrap().status, 401);
}
