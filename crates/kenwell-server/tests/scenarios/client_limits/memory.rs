//! Half of a request takes little, however many begin one, and one source's share is its own.

use crate::{
    client_limits::{saying, tables},
    support::{Client, Redis, Server, get},
};

/// The most memory that a process has had, in bytes.
fn most_resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() * 1024
}

#[test]
fn half_received_heads_take_little_memory() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis));
    let padding = "x".repeat(1000);
    let lines: Vec<_> = (0..200)
        .map(|n| format!("X-Header-{n}: {padding}{padding}\r\n"))
        .collect();
    let lines = lines.concat();
    let begun = format!("POST /v1/identify HTTP/1.1\r\nHost: k\r\n{lines}");
    let crowd: Vec<_> = (0..600)
        .map(|_| saying(&server.gateway, begun.as_bytes()).unwrap())
        .collect();
    assert_eq!(get(&server.gateway, "/health").status, 200);
    let most = most_resident(server.pid());
    assert!(most < 250_000_000, "{most} bytes");
    drop(crowd);
}

#[test]
fn large_heads_leave_nothing_behind_on_connections_that_stay_open() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis));
    let cookie = format!("Cookie: {}\r\n", "x".repeat(400_000));
    let body = br#"{"userId":"ada","traits":{"plan":"pro"}}"#;
    let crowd: Vec<_> = (0..200)
        .map(|_| {
            let mut client = Client::connect(&server.gateway);
            let reply = client.post_as("WK", "/v1/identify", &cookie, body).unwrap();
            assert_eq!(reply.status, 200);
            client
        })
        .collect();
    let most = most_resident(server.pid());
    assert!(most < 120_000_000, "{most} bytes");
    drop(crowd);
}

#[test]
fn slow_uploads_of_one_source_delay_no_other_source() {
    let redis = Redis::start();
    let server = Server::with_gateway("body_timeout = \"10m\"", &tables(&redis));
    let head = "POST /v1/batch HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n";
    let begun = " ".repeat(100_000);
    let mut crowd = Vec::new();
    for framing in [
        "Content-Length: 4000000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n",
    ] {
        let slow = format!("{head}{framing}{begun}");
        for _ in 0..250 {
            crowd.push(saying(&server.gateway, slow.as_bytes()).unwrap());
        }
    }
    let traits: Vec<_> = (0..20_000).map(|n| format!("\"t{n}\":{n}")).collect();
    let large = format!(
        "{{\"userId\":\"large\",\"traits\":{{{}}}}}",
        traits.join(",")
    );
    for body in [large.as_bytes(), br#"{"userId":"small","traits":{"a":1}}"#] {
        let mut client = Client::connect(&server.gateway);
        let reply = client.post_as("APP", "/v1/identify", "", body).unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
    }
    drop(crowd);
}
