//! Outcomes: what Redis refuses, destinations that differ, and counters that balance.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::support::{Client, Redis, Server, eventually, metric, post};

pub(crate) fn outcome(page: &str, name: &str, destination: &str) -> u64 {
    let labels = format!("destination=\"{destination}\"");
    metric(page, &format!("kenwell_destination_{name}"), &labels)
}

#[track_caller]
fn assert_counters(
    server: &Server,
    destination: &str,
    accepted: u64,
    written: u64,
    ignored: u64,
    dead: u64,
) {
    let page = server.metrics();
    let counters = [
        "accepted_total",
        "written_total",
        "ignored_total",
        "dead_lettered_total",
        "queued",
    ]
    .map(|name| outcome(&page, name, destination));
    assert_eq!(
        counters,
        [
            accepted,
            written,
            ignored,
            dead,
            accepted - written - ignored - dead
        ],
        "{page}"
    );
}

#[test]
fn i5_every_accepted_identify_has_exactly_one_outcome() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let _: () = redis.command(&["SET", "user:wrong", "a string"]);
    let batch = r#"{"batch":[
        {"type":"identify","userId":"u1","traits":{"a":1}},
        {"type":"identify","userId":"u1","traits":{"a":2}},
        {"type":"identify","userId":"wrong","traits":{"a":1}},
        {"type":"identify","userId":"","anonymousId":"x","traits":{"a":1}},
        {"type":"identify","userId":"u2","traits":{}},
        {"type":"identify","userId":["u3"],"traits":{"a":1}},
        {"type":"identify","userId":"u4","traits":{"a":1},"integrations":{"All":false}},
        {"type":"track","userId":"u1","event":"x"}]}"#;
    assert_eq!(post(&server.gateway, "/v1/batch", batch).text(), "ok");
    server.settle("profiles");
    assert_counters(&server, "profiles", 7, 2, 4, 1);
    assert_eq!(redis.fields("user:u1")["a"], "2");
    assert_eq!(redis.keys().len(), 2);
    assert!(
        server
            .metrics()
            .contains("kenwell_events_accepted_total{source=\"web\"} 7")
    );
}

#[test]
fn what_redis_refuses_for_good_is_a_dead_letter_and_can_be_retried() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let _: () = redis.command(&["SET", "user:wrong", "a string"]);
    let mut client = Client::connect(&server.gateway);
    for (user, value) in [("wrong", 1), ("right", 2), ("wrong", 3)] {
        let event =
            format!("{{\"userId\":\"{user}\",\"traits\":{{\"a\":{value},\"b{value}\":true}}}}");
        client.identify(&event);
    }
    server.settle("profiles");
    assert_eq!(redis.fields("user:right")["a"], "2");
    assert_counters(&server, "profiles", 3, 1, 0, 2);

    let list = server.cli(&["dead-letters", "list", "--json"]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(
        list.matches(r#""reason":"WRONGTYPE""#).count() == 2 && list.contains("user:wrong"),
        "{list}"
    );

    let retry = server.cli(&["dead-letters", "retry"]);
    let counts = "profiles: 0 written, 0 dropped because newer events have set all of their fields, \
                  0 dropped because they write nothing, 2 kept\n";
    let said = String::from_utf8_lossy(&retry.stdout);
    assert_eq!((retry.status.code(), &*said), (Some(1), counts));
    let _: () = redis.command(&["DEL", "user:wrong"]);
    let retry = server.cli(&["dead-letters", "retry"]);
    assert!(retry.status.success(), "{retry:?}");
    let fields = redis.fields("user:wrong");
    assert_eq!((fields["a"].as_str(), fields.len()), ("3", 3));
    let list = server.cli(&["dead-letters", "list", "--json"]);
    assert!(
        !String::from_utf8(list.stdout)
            .unwrap()
            .contains("WRONGTYPE")
    );
}

#[test]
fn i6_a_destination_that_is_down_slows_nobody() {
    let (up, mut down) = (Redis::start(), Redis::start());
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"up\", \"down\"]\n\
         [[destinations]]\nid = \"up\"\ntype = \"redis\"\naddress = \"{}\"\nprefix = \" px \"\n\
         [[destinations]]\nid = \"down\"\ntype = \"redis\"\naddress = \"{}\"\n",
        up.address(),
        down.address()
    ));
    down.kill();
    let mut client = Client::connect(&server.gateway);
    for number in 1..=1_000 {
        let event = format!("{{\"userId\":\"u{number}\",\"traits\":{{\"n\":{number}}}}}");
        client.identify(&event);
    }
    server.settle("up");
    assert_eq!(up.keys().len(), 1_000);
    assert_eq!(up.fields("px:user:u7")["n"], "7");
    assert_counters(&server, "down", 1_000, 0, 0, 0);
    down.restart();
    server.settle("down");
    assert_eq!(down.keys().len(), 1_000);
}

#[test]
fn each_source_feeds_its_own_destinations() {
    let redis = Redis::start();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\"]\n\
         [[sources]]\nid = \"app\"\nwrite_key = \"APP\"\ndestinations = [\"two\"]\n\
         [[destinations]]\nid = \"one\"\ntype = \"redis\"\naddress = \"{0}\"\nprefix = \"one\"\n\
         [[destinations]]\nid = \"two\"\ntype = \"redis\"\naddress = \"{0}\"\nprefix = \"two\"\ndatabase = 3\n",
        redis.address()
    ));
    let mut client = Client::connect(&server.gateway);
    client
        .post_as(
            "WK",
            "/v1/identify",
            "",
            br#"{"userId":"u","traits":{"from":"web"}}"#,
        )
        .unwrap();
    client
        .post_as(
            "APP",
            "/v1/identify",
            "",
            br#"{"userId":"u","traits":{"from":"app"}}"#,
        )
        .unwrap();
    server.settle("one");
    server.settle("two");
    assert_counters(&server, "one", 1, 1, 0, 0);
    assert_counters(&server, "two", 1, 1, 0, 0);
    assert_eq!(redis.fields("one:user:u")["from"], "web");
    assert_eq!(redis.keys(), ["one:user:u"]);
}

/// The users of I4's events, and how many fields there are beside the last event's number.
const USERS: u64 = 7;
const FIELDS: u64 = 11;
const EVENTS: u64 = 300;

type Profiles = Vec<BTreeMap<String, String>>;

/// Looks at profiles while the events from `first` on are delivered again.
struct Replay {
    first: u64,
    before: Profiles,
    latest: Profiles,
    /// For each user, how often an event was followed by an older one.
    turned_back: Vec<usize>,
}

impl Replay {
    /// No field is missing or older than the events that are delivered again, each has the value of an event of
    /// its own, and a profile goes back once and from there only forward.
    fn read(&mut self, now: Profiles) {
        for (user, profile) in (0..USERS).zip(&now) {
            let before = &self.before[usize::try_from(user).unwrap()];
            assert!(profile.keys().eq(before.keys()), "{profile:?}");
            for (field, value) in profile
                .iter()
                .filter(|(field, value)| before[*field] != **value)
            {
                let number: u64 = value.parse().unwrap();
                let own = number % USERS == user;
                let own = own && (field == "last" || *field == format!("f{}", number % FIELDS));
                assert!(own && number >= self.first, "{user} {field}: {value}");
            }
        }
        let last = |profile: &BTreeMap<String, String>| profile["last"].parse::<u64>().unwrap();
        let users = self
            .turned_back
            .iter_mut()
            .zip(self.latest.iter().zip(&now));
        for (turned_back, (latest, now)) in users {
            *turned_back += usize::from(last(now) < last(latest));
            assert!(*turned_back <= 1, "from {latest:?} to {now:?}");
        }
        self.latest = now;
    }
}

#[test]
fn i4_replaying_the_journal_leaves_the_same_profiles() {
    let redis = Redis::start();
    // One event a batch, so that there is much to read in between.
    let mut server = Server::with(&format!(
        "[delivery]\nbatch_records = 1\n\
         [[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    ));
    let mut client = Client::connect(&server.gateway);
    let mut begins = Vec::new();
    for number in 1..=EVENTS {
        if [150, 299].contains(&number) {
            begins.push((number, next_millisecond()));
        }
        let (user, field) = (number % USERS, number % FIELDS);
        let event = format!(
            "{{\"userId\":\"u{user}\",\"traits\":{{\"last\":{number},\"f{field}\":{number}}}}}"
        );
        client.identify(&event);
    }
    drop(client);
    server.settle("profiles");
    let profiles = || -> Profiles {
        let users = 0..USERS;
        users
            .map(|user| redis.fields(&format!("user:u{user}")))
            .collect()
    };
    let before = profiles();
    // A damaged cursor counts as none: everything is delivered again.
    for (first, begin) in begins
        .into_iter()
        .map(Some)
        .chain([None])
        .map(Option::unzip)
    {
        let first: u64 = first.unwrap_or(1);
        server.terminate();
        match begin {
            Some(begin) => {
                let replay = server.cli(&["replay", "--from", &begin.to_string()]);
                assert!(replay.status.success(), "{replay:?}");
            }
            None => damage_cursor(&server),
        }
        server.restart();
        let mut replay = Replay {
            first,
            before: before.clone(),
            latest: before.clone(),
            turned_back: vec![0; before.len()],
        };
        eventually("the end of the journal to be delivered again", || {
            replay.read(profiles());
            let written = outcome(&server.metrics(), "written_total", "profiles");
            (written > EVENTS - first).then_some(())
        });
        server.settle("profiles");
        assert_eq!(profiles(), before, "from {first} on");
    }
}

/// The beginning of a millisecond in which nothing was received yet.
fn next_millisecond() -> Timestamp {
    let now = Timestamp::now().as_millisecond();
    let begin = Timestamp::from_millisecond(now + 1).unwrap();
    while Timestamp::now() < begin {
        std::hint::spin_loop();
    }
    begin
}

#[test]
fn a_stopped_server_can_be_told_to_replay() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let mut client = Client::connect(&server.gateway);
    for user in ["a", "b"] {
        let event = format!("{{\"userId\":\"{user}\",\"traits\":{{\"n\":1}}}}");
        let reply = client.post("/v1/identify", event.as_bytes());
        assert_eq!(reply.unwrap().status, 200);
    }
    drop(client);
    server.settle("profiles");
    let replay = |server: &Server, from: &str| {
        let output = server.cli(&["replay", "--from", from]);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    server.terminate();
    let _: () = redis.command(&["FLUSHALL"]);
    let (code, text) = replay(&server, "1h");
    assert!(code == Some(0) && text.starts_with("2 events"), "{text}");
    server.restart();
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 2);
    assert_counters(&server, "profiles", 2, 2, 0, 0);
}

/// Makes the cursor unreadable.
fn damage_cursor(server: &Server) {
    let mut damaged = 0;
    let mut directories = vec![server.data_dir().join("journal")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .contains("profiles")
            {
                std::fs::write(&path, b"damaged").unwrap();
                damaged += 1;
            }
        }
    }
    assert!(damaged > 0, "no cursor found");
}

#[test]
fn wrong_credentials_hold_everything_until_they_are_mended() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    assert_eq!(
        post(
            &server.gateway,
            "/v1/identify",
            r#"{"userId":"a","traits":{"n":1}}"#
        )
        .status,
        200
    );
    server.settle("profiles");
    let mut admin = redis.connection();
    let _: () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "secret"])
        .query(&mut admin)
        .unwrap();
    let _: () = redis::cmd("CLIENT")
        .arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"])
        .query(&mut admin)
        .unwrap();
    assert_eq!(
        post(
            &server.gateway,
            "/v1/identify",
            r#"{"userId":"b","traits":{"n":2}}"#
        )
        .status,
        200
    );
    let ready = eventually("NOAUTH to show", || {
        Some(server.ready().text()).filter(|text| text.contains("NOAUTH"))
    });
    assert!(ready.contains("degraded"));
    assert!(ready.contains("\"needs_operator\":true"), "{ready}");
    assert!(ready.contains("set `password`"), "{ready}");
    let _: () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", ""])
        .query(&mut admin)
        .unwrap();
    server.settle("profiles");
    assert_eq!(redis.fields("user:b")["n"], "2");
    assert!(!server.log().contains("secret"));
}

#[test]
fn a_value_that_redis_hangs_up_over_is_put_aside_and_the_others_are_written() {
    hangs_up("proto-max-bulk-len", "512mb");
}

#[test]
fn so_is_one_that_redis_hangs_up_over_without_a_word() {
    hangs_up("client-query-buffer-limit", "1gb");
}

/// A Redis with this limit at 1 MiB, and one event of many that is larger.
fn hangs_up(limit: &str, enough: &str) {
    let redis = Redis::start();
    let set = |value| redis.command::<String>(&["CONFIG", "SET", limit, value]);
    set("1mb");
    let server = Server::start(&redis);
    let large = "x".repeat(3 << 20);
    // In one request, so that they are in one pipeline.
    let events: Vec<String> = (0..40)
        .map(|user| {
            let more = match user {
                13 => format!(r#","large":"{large}""#),
                _ => String::new(),
            };
            format!(r#"{{"type":"identify","userId":"u{user}","traits":{{"n":{user}{more}}}}}"#)
        })
        .collect();
    let batch = format!(r#"{{"batch":[{}]}}"#, events.join(","));
    let reply = post(&server.gateway, "/v1/batch", &batch);
    assert_eq!(reply.status, 200, "{}", reply.text());
    server.settle("profiles");
    for user in (0..40).filter(|user| *user != 13) {
        let fields = redis.fields(&format!("user:u{user}"));
        assert_eq!(fields["n"], user.to_string(), "u{user}");
    }
    assert!(redis.fields("user:u13").is_empty());
    let listed = String::from_utf8(server.cli(&["dead-letters", "list"]).stdout).unwrap();
    assert!(listed.contains("user:u13"), "{listed}");
    let own_words = limit == "proto-max-bulk-len" && listed.contains("invalid bulk length");
    assert!(listed.contains(limit) || own_words, "{listed}");
    assert!(listed.contains("1 dead letter\n"), "{listed}");
    eventually("the server to be ready", || {
        server.ready().text().contains("\"ready\"").then_some(())
    });
    // With more room it is written after all.
    set(enough);
    assert!(server.cli(&["dead-letters", "retry"]).status.success());
    assert_eq!(redis.fields("user:u13")["large"].len(), large.len());
}
