//! Profiles that expire, as the settings of their destination say.

use serde_json::json;

use crate::support::{Act, Flavour, Node, Proxy, Redis, Server, eventually, is, metric, post};

fn tables(address: &str, settings: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{address}\"\n{settings}\n"
    )
}

fn send(server: &Server, user: &str) {
    let event = json!({ "userId": user, "traits": { "a": 1, "cart": { "total": 9 } } });
    let reply = post(&server.gateway, "/v1/identify", event.to_string());
    assert_eq!(reply.status, 200);
}

fn identify(server: &Server, user: &str) {
    send(server, user);
    server.settle("profiles");
}

/// Seconds; -1 for ever.
fn expires_in(redis: &Redis, key: &str) -> i64 {
    redis.command(&["TTL", key])
}

#[test]
fn each_event_renews_the_ttl_and_a_change_of_it_holds_from_the_next_event_on() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis.address(), "ttl = \"7d\""));
    identify(&server, "u1");
    let week = 7 * 86_400;
    assert!((week - 3_600..=week).contains(&expires_in(&redis, "user:u1")));
    let _: i64 = redis.command(&["EXPIRE", "user:u1", "60"]);
    identify(&server, "u1");
    assert!((week - 3_600..=week).contains(&expires_in(&redis, "user:u1")));

    let change = |ttl: serde_json::Value| {
        let change = json!({ "ttl": ttl }).to_string();
        let reply = server.ask("PATCH", "/api/v1/destinations/profiles", &change);
        (reply.status, reply.text())
    };
    assert_eq!(change(json!("2h")).0, 200);
    identify(&server, "u1");
    assert!((3_600..=7_200).contains(&expires_in(&redis, "user:u1")));
    let (status, text) = change(json!("20000d"));
    assert!(status == 422 && text.contains("3650d"), "{text}");
    assert_eq!(change(json!(null)).0, 200);
    identify(&server, "u2");
    assert_eq!(expires_in(&redis, "user:u2"), -1);
}

#[test]
fn clocks_expire_with_their_profile_and_a_late_event_renews_both() {
    let redis = Redis::start();
    let settings = "ttl = \"7d\"\norder = \"event_time\"";
    let server = Server::with(&tables(&redis.address(), settings));
    let week = 7 * 86_400;
    for (time, plan) in [("12:00", "pro"), ("11:00", "free")] {
        for key in ["user:u1", "kenwell:clocks:{user:u1}"] {
            let _: i64 = redis.command(&["EXPIRE", key, "60"]);
        }
        let time = format!("2026-01-01T{time}:00Z");
        let event =
            json!({ "userId": "u1", "originalTimestamp": time, "traits": { "plan": plan } });
        let reply = post(&server.gateway, "/v1/identify", event.to_string());
        assert_eq!(reply.status, 200);
        server.settle("profiles");
        assert_eq!(redis.fields("user:u1")["plan"], "pro");
        for key in ["user:u1", "kenwell:clocks:{user:u1}"] {
            let left = expires_in(&redis, key);
            assert!((week - 3_600..=week).contains(&left), "{key} {left}");
        }
    }
}

#[test]
fn a_kill_between_a_write_and_its_ttl_leaves_no_profile_for_ever() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let mut server = Server::with(&tables(&proxy.address(), "ttl = \"7d\""));
    proxy.rule(|command| {
        if is(command, "PEXPIRE") {
            Act::Hold
        } else {
            Act::Pass
        }
    });
    send(&server, "u1");
    eventually("the write", || (proxy.held() > 0).then_some(()));
    assert_eq!(expires_in(&redis, "user:u1"), -1);
    server.kill();
    proxy.rule(|_| Act::Pass);
    server.restart();
    server.settle("profiles");
    assert!(expires_in(&redis, "user:u1") > 86_400);
}

#[test]
fn events_wait_where_fields_cannot_expire_until_the_setting_is_gone() {
    let redis = Redis::start();
    let settings = "field_ttl = { \"cart.*\" = \"30m\" }";
    let server = Server::with(&tables(&redis.address(), settings));
    send(&server, "u1");
    eventually("the reason", || {
        let ready = server.ready().text();
        ready.contains("`field_ttl`").then_some(())
    });
    assert!(redis.keys().is_empty());
    let change = json!({ "field_ttl": null }).to_string();
    let reply = server.ask("PATCH", "/api/v1/destinations/profiles", &change);
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.settle("profiles");
    assert_eq!(redis.fields("user:u1").len(), 2);
    let dead = "kenwell_destination_dead_lettered_total";
    let dead = metric(&server.metrics(), dead, "destination=\"profiles\"");
    assert_eq!(dead, 0);
}

#[test]
fn the_api_and_the_command_line_tell_when_a_profile_and_its_fields_go() {
    let redis = Node::of(Flavour::Valkey, &[]);
    let settings = "ttl = \"7d\"\nfield_ttl = { \"cart.*\" = \"30m\" }";
    let server = Server::with(&tables(&redis.address(), settings));
    identify(&server, "u1");
    let profile = server.ask("GET", "/api/v1/profiles/profiles/u1", "").text();
    let profile: serde_json::Value = serde_json::from_str(&profile).unwrap();
    let ttl = profile["ttl_seconds"].as_u64().unwrap();
    assert!((600_000..=604_800).contains(&ttl), "{profile}");
    let fields = profile["field_ttl_seconds"].as_object().unwrap();
    let cart = fields["cart.total"].as_u64().unwrap();
    assert!(
        fields.len() == 1 && (900..=1_800).contains(&cart),
        "{profile}"
    );

    let output = server.cli(&["profile", "get", "u1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("user:u1  expires in 6d 23h\n"), "{text}");
    let output = server.cli(&["profile", "get", "u1", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(shown["ttl_seconds"].as_u64().unwrap() <= ttl);
}
