//! So many wait, whoever hangs up is still served, and a server that stops keeps nobody.

use std::time::{Duration, Instant};

use super::{accepted, event, page, reason, send, send_later, stored, waits};
use crate::support::{Client, Redis, Server, eventually, metric};

#[test]
fn a_server_that_stops_ends_every_wait() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    redis.kill();
    let waiting: Vec<_> = (0..20)
        .map(|user| send_later(&server, &format!("u{user}"), 1, "60s"))
        .collect();
    accepted(&server, "profiles", 20);
    let began = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(50),
        "{:?}",
        began.elapsed()
    );
    for waiting in waiting {
        assert_eq!(reason(&waiting.join().unwrap()), "stopping");
    }
    redis.restart();
    server.restart();
    server.settle("profiles");
    for user in 0..20 {
        assert_eq!(stored(&redis, &format!("u{user}")), Some(1));
    }
}

#[test]
fn beyond_a_quarter_of_the_connections_nobody_waits() {
    let mut redis = Redis::start();
    let server = Server::with_gateway(
        "max_connections = 4",
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
            redis.address()
        ),
    );
    redis.kill();
    let mut waiting = send_later(&server, "a", 1, "58s");
    let mut sent = 0;
    eventually("the only place to be taken", || {
        sent += 1;
        let said = page(&send(&server, "b", sent, "1ms"));
        if waiting.is_finished() {
            // The other one was first.
            let again = send_later(&server, "a", 1, "58s");
            let before = std::mem::replace(&mut waiting, again).join().unwrap();
            assert_eq!(reason(&before), "too_many_waits");
            return None;
        }
        (said["reason"] == "too_many_waits").then_some(())
    });
    redis.restart();
    assert_eq!(waiting.join().unwrap().status, 200);
    assert_eq!(send(&server, "b", sent + 1, "50s").status, 200);
    assert_eq!(stored(&redis, "b"), Some(sent + 1));
}

#[test]
fn who_hangs_up_while_waiting_is_served_and_leaves_nothing_behind() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    redis.kill();
    for user in 0..50 {
        let body = event(&format!("u{user}"), 1);
        let mut client = Client::connect(&server.gateway);
        let request = format!(
            "POST /v1/identify?wait=applied&timeout=55s HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.send(request.as_bytes()).unwrap();
        drop(client);
    }
    accepted(&server, "profiles", 50);
    redis.restart();
    server.settle("profiles");
    for user in 0..50 {
        assert_eq!(stored(&redis, &format!("u{user}")), Some(1));
    }
    eventually("every wait to end", || {
        (waits(&server, "write", "applied") == 50).then_some(())
    });
    let labels = "route=\"identify\",status=\"200\"";
    eventually("every request to be counted", || {
        (metric(&server.metrics(), "kenwell_requests_total", labels) == 50).then_some(())
    });
    assert_eq!(send(&server, "u0", 2, "50s").status, 200);
}

#[test]
fn a_source_whose_destination_is_down_leaves_places_to_the_others() {
    let (mut down, up) = (Redis::start(), Redis::start());
    // Four places, two of them for one source.
    let server = Server::with_gateway(
        "max_connections = 16",
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"down\"]\n\
             [[sources]]\nid = \"app\"\nwrite_key = \"AK\"\ndestinations = [\"up\"]\n\
             [[destinations]]\nid = \"down\"\naddress = \"{}\"\n\
             [[destinations]]\nid = \"up\"\naddress = \"{}\"\n",
            down.address(),
            up.address()
        ),
    );
    down.kill();
    let begin = || send_later(&server, "a", 1, "58s");
    let mut waiting = [begin(), begin()];
    eventually("the places of the source to be taken", || {
        let said = page(&send(&server, "b", 1, "1ms"));
        let mut was_late = false;
        for waiting in waiting.iter_mut().filter(|waiting| waiting.is_finished()) {
            // A look was first.
            let before = std::mem::replace(waiting, begin()).join().unwrap();
            assert_eq!(reason(&before), "too_many_waits");
            was_late = true;
        }
        (!was_late && said["reason"] == "too_many_waits").then_some(())
    });
    let mut client = Client::connect(&server.gateway);
    for value in 1..20 {
        let path = "/v1/identify?wait=applied&timeout=50s";
        let reply = client.post_as("AK", path, "", event("c", value).as_bytes());
        assert_eq!(
            (reply.unwrap().status, stored(&up, "c")),
            (200, Some(value))
        );
    }
    down.restart();
    for waiting in waiting {
        assert_eq!(waiting.join().unwrap().status, 200);
    }
}
