//! Few events at a time: what comes meanwhile is written together and at once, over as few connections as are worth it.

use crate::delivery::outcome;
use crate::support::{Client, Redis, Server, eventually};

#[test]
fn what_comes_while_a_few_events_are_written_is_written_next_and_at_once() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let mut client = Client::connect(&server.gateway);
    let batches = || {
        let page = server.metrics();
        outcome(&page, "freshness_seconds_count", "profiles")
    };
    client.identify(r#"{"userId":"first","traits":{"n":0}}"#);
    server.settle("profiles");
    let before = eventually("its batch to be counted", || {
        Some(batches()).filter(|count| *count > 0)
    });
    redis.freeze();
    for number in 0..20 {
        client.identify(&format!(
            r#"{{"userId":"u{number}","traits":{{"n":{number}}}}}"#
        ));
    }
    redis.thaw();
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 21);
    // The first ones, which were on their way, and all others: nothing waits behind a batch of two.
    let written = batches() - before;
    assert!(written <= 2, "{written} batches");
}

#[test]
fn small_batches_go_over_one_connection_and_users_that_change_lanes_keep_their_order() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let lanes = || {
        let clients: String = redis.command(&["CLIENT", "LIST"]);
        // The marker has a connection of its own.
        let writes = |line: &&str| line.contains("cmd=hset") && !line.contains(":marker:");
        clients.lines().filter(writes).count()
    };
    let mut client = Client::connect(&server.gateway);
    let identify = |user: usize, step: usize| {
        format!(r#"{{"type":"identify","userId":"u{user}","traits":{{"step":{step}}}}}"#)
    };
    for user in 0..20 {
        client.identify(&identify(user, 0));
    }
    server.settle("profiles");
    assert_eq!(lanes(), 1);
    for step in 1..=20 {
        let events: Vec<_> = (0..600).map(|user| identify(user, 2 * step - 1)).collect();
        let batch = format!(r#"{{"batch":[{}]}}"#, events.join(","));
        let reply = client.post("/v1/batch", batch.as_bytes());
        assert_eq!(reply.unwrap().status, 200);
        for user in 0..4 {
            client.identify(&identify(user, 2 * step));
        }
    }
    server.settle("profiles");
    for (user, step) in (0..4)
        .map(|user| (user, "40"))
        .chain([(4, "39"), (599, "39")])
    {
        assert_eq!(redis.fields(&format!("user:u{user}"))["step"], step);
    }
    assert_eq!(lanes(), 4);
}
