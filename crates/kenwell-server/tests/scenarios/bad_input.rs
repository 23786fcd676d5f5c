//! Hostile and broken clients: a clear answer each, bounded memory, nobody else disturbed.

use crate::support::{Client, Redis, Server, eventually, get, gzip, metric, post};

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[test]
fn a_body_of_five_megabytes_is_refused_and_the_connection_lives() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut client = Client::connect(&server.gateway);
    let reply = client.post("/v1/batch", &vec![b' '; 5_000_000]).unwrap();
    assert_eq!(reply.status, 413);
    assert_eq!(
        client
            .post("/v1/identify", b"{\"userId\":\"u\",\"traits\":{\"a\":1}}")
            .unwrap()
            .status,
        200
    );
}

#[test]
fn gzip_bombs_take_little_memory() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let bomb = gzip(&vec![b' '; 100_000_000]);
    assert!(bomb.len() < 400_000);
    let before = resident(server.pid());
    let bombers: Vec<_> = (0..16)
        .map(|_| {
            let (address, bomb) = (server.gateway.clone(), bomb.clone());
            std::thread::spawn(move || {
                Client::connect(&address)
                    .post_as("WK", "/v1/batch", "Content-Encoding: gzip\r\n", &bomb)
                    .unwrap()
                    .status
            })
        })
        .collect();
    for bomber in bombers {
        assert_eq!(bomber.join().unwrap(), 413);
    }
    let grown = resident(server.pid()).saturating_sub(before);
    assert!(grown < 400_000_000, "grew by {grown} bytes");
}

#[test]
fn nesting_of_ten_thousand_levels_is_one_events_own_fault() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let event = format!("{{\"userId\":\"deep\",\"traits\":{{\"x\":{deep}}}}}");
        let reply = post(&server.gateway, "/v1/identify", event);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (400, "invalid json\n")
        );
    }
    let brackets = "[".repeat(4_000_000);
    assert_eq!(post(&server.gateway, "/v1/identify", brackets).status, 400);
    assert_eq!(get(&server.gateway, "/health").status, 200);
}

#[test]
fn a_hundred_thousand_traits_are_written() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let traits: Vec<_> = (0..100_000).map(|n| format!("\"trait{n}\":{n}")).collect();
    let event = format!(
        "{{\"userId\":\"many\",\"traits\":{{{}}}}}",
        traits.join(",")
    );
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    server.settle("profiles");
    assert_eq!(redis.command::<u64>(&["HLEN", "user:many"]), 100_000);
}

#[test]
fn names_that_multiply_are_ignored_before_they_fill_memory() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let long = "k".repeat(100_000);
    let leaves: Vec<_> = (0..100_000).map(|n| format!("\"l{n}\":1")).collect();
    let event = format!(
        "{{\"userId\":\"wide\",\"traits\":{{\"{long}\":{{{}}}}}}}",
        leaves.join(",")
    );
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    assert_eq!(
        post(
            &server.gateway,
            "/v1/identify",
            r#"{"userId":"next","traits":{"a":1}}"#
        )
        .status,
        200
    );
    server.settle("profiles");
    assert_eq!(redis.command::<u64>(&["EXISTS", "user:wide"]), 0);
    assert_eq!(redis.fields("user:next")["a"], "1");
    assert!(resident(server.pid()) < 800_000_000);
}

#[test]
fn a_slow_loris_is_cut_off_and_nobody_waits_for_it() {
    let redis = Redis::start();
    let server = Server::with_gateway(
        "body_timeout = \"1s\"",
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
            redis.address()
        ),
    );
    let mut slow = Client::connect(&server.gateway);
    slow.send(b"POST /v1/identify HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\nContent-Length: 100\r\n\r\n{\"userId\"").unwrap();
    assert_eq!(
        post(
            &server.gateway,
            "/v1/identify",
            r#"{"userId":"quick","traits":{"a":1}}"#
        )
        .status,
        200
    );
    let reply = slow.receive(false).unwrap();
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (408, "failed to read body from request\n")
    );
}

#[test]
fn a_client_that_hangs_up_in_the_middle_leaves_the_books_closed() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    for _ in 0..50 {
        let mut client = Client::connect(&server.gateway);
        let body = r#"{"userId":"gone","traits":{"a":1}}"#;
        let head = format!(
            "POST /v1/identify HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.send(head.as_bytes()).unwrap();
        client.send(body.as_bytes()).unwrap();
        drop(client);
    }
    // Each arrived whole, so each is accepted, sooner or later.
    eventually("all of them to be accepted", || {
        let name = "kenwell_destination_accepted_total";
        let accepted = metric(&server.metrics(), name, "destination=\"profiles\"");
        (accepted == 50).then_some(())
    });
    server.settle("profiles");
}
