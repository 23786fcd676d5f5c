//! Redis and the network at their worst: what can be delivered is, nobody healthy becomes a dead letter,
//! and what waits is shown.

use std::time::Duration;

use crate::support::{Act, Client, Proxy, Redis, Server, eventually, is, metric, post};

/// One source, and one destination with these settings.
fn destination(settings: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\n{settings}\n"
    )
}

pub(crate) fn behind(proxy: &Proxy, more: &str) -> String {
    destination(&format!("address = \"{}\"\n{more}", proxy.address()))
}

/// One identify for each user, in one request.
pub(crate) fn send(server: &Server, users: impl Iterator<Item = String>, value: u32) {
    let events: Vec<_> = users
        .map(|user| format!(r#"{{"type":"identify","userId":"{user}","traits":{{"n":{value}}}}}"#))
        .collect();
    let body = format!(r#"{{"batch":[{}]}}"#, events.join(","));
    assert_eq!(post(&server.gateway, "/v1/batch", body).status, 200);
}

pub(crate) fn users(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|user| format!("u{user}"))
}

pub(crate) fn count(server: &Server, name: &str) -> u64 {
    let name = format!("kenwell_destination_{name}");
    metric(&server.metrics(), &name, "destination=\"profiles\"")
}

pub(crate) fn answered(words: &str) -> Act {
    Act::Answer(words.to_owned())
}

/// Whether a command writes the profile of the user `bad`.
fn writes_bad(command: &[Vec<u8>]) -> bool {
    is(command, "HSET") && command[1] == b"user:bad"
}

/// Redis refuses what is written for the user `bad`, in other words each time, so that it is never condemned.
pub(crate) fn refuse_in_new_words(proxy: &Proxy) {
    let mut number = 0;
    proxy.rule(move |command| {
        number += 1;
        if writes_bad(command) {
            answered(&format!("ERR no, for the {number}th time"))
        } else {
            Act::Pass
        }
    });
}

#[test]
fn a_quota_message_holds_everything_and_is_shown() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let words = "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000";
    proxy.rule(move |command| {
        if is(command, "HSET") {
            answered(words)
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, ""));
    send(&server, users(100), 1);
    let ready = eventually("the quota to show", || {
        Some(server.ready().text()).filter(|text| text.contains("max daily request limit"))
    });
    assert!(
        ready.contains("degraded") && ready.contains("\"needs_operator\":true"),
        "{ready}"
    );
    // The attempts that would condemn a guilty one.
    let before = proxy.seen().len();
    eventually("many more attempts", || {
        (proxy.seen().len() > before + 2_000).then_some(())
    });
    assert_eq!(count(&server, "dead_lettered_total"), 0);
    proxy.rule(|_| Act::Pass);
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 100);
    assert_eq!(count(&server, "dead_lettered_total"), 0);
}

#[test]
fn a_redirection_of_what_should_be_standalone_holds_everything_and_names_the_setting() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    proxy.rule(|command| {
        if is(command, "HSET") {
            answered("MOVED 3999 10.0.0.1:6379")
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, ""));
    send(&server, users(20), 1);
    let ready = eventually("the setting to show", || {
        Some(server.ready().text()).filter(|text| text.contains("set cluster_mode = true"))
    });
    assert!(ready.contains("\"needs_operator\":true"), "{ready}");
    proxy.rule(|_| Act::Pass);
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 20);
    assert_eq!(count(&server, "dead_lettered_total"), 0);
}

#[test]
fn what_is_said_to_a_login_is_no_events_fault() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    for (name, words) in [
        ("AUTH", "ERR illegal address"),
        ("SELECT", "ERR Only 0th database is supported!"),
    ] {
        proxy.rule(move |command| {
            if is(command, name) {
                answered(words)
            } else {
                Act::Pass
            }
        });
        let server = Server::with(&behind(&proxy, "database = 3\npassword = \"p\""));
        send(&server, users(500), 1);
        let ready = eventually("the words to show", || {
            Some(server.ready().text()).filter(|text| text.contains(words))
        });
        assert!(ready.contains("\"needs_operator\":true"), "{ready}");
        assert_eq!(count(&server, "dead_lettered_total"), 0);
        assert_eq!(count(&server, "queued"), 500);
    }
}

#[test]
fn who_may_write_no_key_at_all_loses_no_event() {
    let redis = Redis::start();
    redis.command::<()>(&["ACL", "SETUSER", "k", "on", ">p", "~app:user:*", "+@all"]);
    let tables = format!(
        "address = \"{}\"\nusername = \"k\"\npassword = \"p\"",
        redis.address()
    );
    let server = Server::with(&destination(&tables));
    send(&server, users(50), 1);
    let ready = eventually("the refusal to show", || {
        Some(server.ready().text()).filter(|text| text.contains("NOPERM"))
    });
    assert!(ready.contains("\"needs_operator\":true"), "{ready}");
    assert_eq!(count(&server, "dead_lettered_total"), 0);
    redis.command::<()>(&["ACL", "SETUSER", "k", "~*"]);
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 50);
}

#[test]
fn a_flaky_network_condemns_nobody() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let mut state: u64 = 3;
    proxy.rule(move |command| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let loses = (state >> 33) % 100 < 30;
        if is(command, "HSET") && loses {
            Act::CutAfter
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, ""));
    for value in 0..10 {
        send(&server, users(100), value);
    }
    server.settle("profiles");
    assert_eq!(count(&server, "dead_lettered_total"), 0);
    assert_eq!(redis.keys().len(), 100);
    for user in 0..100 {
        assert_eq!(redis.fields(&format!("user:u{user}"))["n"], "9", "u{user}");
    }
}

#[test]
fn a_bad_old_event_takes_no_good_newer_one_along() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    proxy.rule(|command| {
        let bad = command.iter().any(|word| word == b"bad");
        if is(command, "HSET") && bad {
            answered("ERR value not allowed here")
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, ""));
    send(&server, users(3), 1);
    server.settle("profiles");
    let batch = r#"{"batch":[
        {"type":"identify","userId":"u1","traits":{"a":1,"n":2}},
        {"type":"identify","userId":"u1","traits":{"a":2,"b":"bad"}},
        {"type":"identify","userId":"u1","traits":{"a":3,"c":3}}]}"#;
    assert_eq!(post(&server.gateway, "/v1/batch", batch).status, 200);
    // Meanwhile the others go on.
    eventually("the others to be written", || {
        send(&server, std::iter::once("u2".to_owned()), 9);
        (redis.fields("user:u2")["n"] == "9").then_some(())
    });
    server.settle("profiles");
    let fields = redis.fields("user:u1");
    assert_eq!(
        (&*fields["a"], &*fields["n"], &*fields["c"]),
        ("3", "2", "3")
    );
    assert!(!fields.contains_key("b"));
    assert_eq!(count(&server, "dead_lettered_total"), 1);
    // The sibling keys of the experiment are gone.
    assert_eq!(redis.keys().len(), 3);
}

#[test]
fn an_event_that_is_judged_keeps_nobody_waiting_and_is_not_overtaken() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    refuse_in_new_words(&proxy);
    let mut server = Server::with(&behind(&proxy, ""));
    let bad = |value| send(&server, std::iter::once("bad".to_owned()), value);
    (1..=3).for_each(bad);
    // Words that repeat for a while open the experiment.
    proxy.rule(move |command| {
        if writes_bad(command) {
            answered("ERR no")
        } else {
            Act::Pass
        }
    });
    for value in 1..=50 {
        send(&server, users(20), value);
    }
    eventually("the others to be written", || {
        (count(&server, "queued") <= 3 && redis.fields("user:u19").get("n")? == "50").then_some(())
    });
    refuse_in_new_words(&proxy);
    assert!(count(&server, "queued") + count(&server, "dead_lettered_total") == 3);
    (4..=6).for_each(|value| send(&server, std::iter::once("bad".to_owned()), value));
    let ready = eventually("it to show", || {
        Some(server.ready().text()).filter(|text| text.contains("by themselves"))
    });
    assert!(ready.contains("degraded"), "{ready}");
    // A restart gives nothing up and brings nothing back.
    server.terminate();
    proxy.rule(|_| Act::Pass);
    server.restart();
    server.settle("profiles");
    assert_eq!(redis.fields("user:bad")["n"], "6");
    assert_eq!(redis.fields("user:u19")["n"], "50");
}

#[test]
fn a_shard_that_is_down_keeps_only_its_own_users_waiting() {
    let mut nodes = Redis::cluster();
    for node in &nodes {
        node.command::<()>(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]);
    }
    let addresses: Vec<_> = nodes
        .iter()
        .map(|node| format!("{:?}", node.address()))
        .collect();
    let tables = format!("cluster_mode = true\naddress = [{}]", addresses.join(", "));
    let mut server = Server::with(&destination(&tables));
    send(&server, users(60), 1);
    server.settle("profiles");
    nodes[1].kill();
    for value in 2..=10 {
        send(&server, users(60), value);
        let mut client = Client::connect(&server.gateway);
        client
            .post("/v1/identify", br#"{"userId":"u1","traits":{"x":1}}"#)
            .unwrap();
    }
    let newest = |node: &Redis| {
        let keys: Vec<String> = node.command(&["KEYS", "user:*"]);
        !keys.is_empty() && keys.iter().all(|key| node.fields(key)["n"] == "10")
    };
    eventually("the users of the living shards to be written", || {
        (newest(&nodes[0]) && newest(&nodes[2])).then_some(())
    });
    let waiting = count(&server, "queued");
    assert!(waiting > 0);
    let address = nodes[1].address();
    let ready = eventually("the shard to show", || {
        let text = server.ready().text();
        (text.contains("by themselves") && text.contains(&address)).then_some(text)
    });
    assert!(ready.contains("degraded"), "{ready}");
    server.terminate();
    server.restart();
    send(&server, users(60), 11);
    nodes[1].restart();
    server.settle("profiles");
    for node in &nodes {
        let keys: Vec<String> = node.command(&["KEYS", "user:*"]);
        assert!(!keys.is_empty());
        for key in keys {
            assert_eq!(node.fields(&key)["n"], "11", "{key}");
        }
    }
    let page = server.metrics();
    assert!(
        page.contains("kenwell_destination_queued{destination=\"profiles\"} 0"),
        "{page}"
    );
}

#[test]
fn a_slow_link_delivers_everything_once() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    proxy.rule(|command| {
        if is(command, "HSET") {
            Act::Delay(Duration::from_millis(12))
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, "response_timeout = \"2s\""));
    send(&server, users(1_000), 1);
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 1_000);
    let sent = proxy.seen().iter().filter(|name| *name == "HSET").count();
    assert!(sent < 1_500, "{sent} for 1,000");
}

#[test]
fn a_batch_of_nothing_but_dead_letters_is_no_success() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    proxy.rule(|command| {
        if is(command, "HSET") {
            answered("LOADING soon")
        } else {
            Act::Pass
        }
    });
    let server = Server::with(&behind(&proxy, ""));
    send(&server, users(5), 1);
    eventually("it to wait", || {
        server.ready().text().contains("LOADING").then_some(())
    });
    proxy.rule(|command| match command {
        _ if is(command, "HSET") => answered("WRONGTYPE Operation against a key"),
        _ if is(command, "PING") => answered("ERR who are you"),
        _ => Act::Pass,
    });
    server.settle("profiles");
    assert_eq!(count(&server, "dead_lettered_total"), 5);
    let ready = server.ready().text();
    assert!(ready.contains("\"waiting\""), "{ready}");
}

#[test]
fn fewer_connections_than_lanes_are_enough() {
    let redis = Redis::start();
    // One for this test, and two for the four lanes.
    let mut admin = redis.connection();
    let _: () = redis::cmd("CONFIG")
        .arg(&["SET", "maxclients", "3"])
        .query(&mut admin)
        .unwrap();
    let server = Server::with(&behind(&Proxy::before(&redis.address()), ""));
    for value in 1..=5 {
        // More than go over one lane.
        send(&server, users(600), value);
    }
    server.settle("profiles");
    let keys: Vec<String> = redis::cmd("KEYS").arg("user:*").query(&mut admin).unwrap();
    assert_eq!(keys.len(), 600);
    let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut admin).unwrap();
    let lanes = clients
        .lines()
        .filter(|line| line.contains("cmd=hset"))
        .count();
    assert!((1..=2).contains(&lanes), "{clients}");
}
