//! Retried dead letters never put an older value over a newer one.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Act, Proxy, Redis, Server, eventually, is, post};

/// Sends traits of a user.
fn send(server: &Server, user: &str, traits: &Value) {
    let event = json!({ "userId": user, "traits": traits }).to_string();
    assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
}

/// Sends traits that Redis refuses, since the user's key is no hash.
fn refused(server: &Server, redis: &Redis, user: &str, all: &[Value]) {
    redis.command::<()>(&["SET", &format!("user:{user}"), "no hash"]);
    for traits in all {
        send(server, user, traits);
        server.settle("profiles");
    }
    redis.command::<()>(&["DEL", &format!("user:{user}")]);
}

fn act(server: &Server, verb: &str, body: &Value) -> Value {
    let path = format!("/api/v1/dead-letters/{verb}");
    let reply = server.ask("POST", &path, &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

fn retry_all(server: &Server) -> Value {
    act(
        server,
        "retry",
        &json!({ "destination": "profiles", "all": true }),
    )
}

fn letters(server: &Server) -> Vec<Value> {
    let reply = server.ask("GET", "/api/v1/dead-letters", "");
    let page: Value = serde_json::from_str(&reply.text()).unwrap();
    page["letters"].as_array().unwrap().clone()
}

fn ids(server: &Server) -> Vec<String> {
    letters(server)
        .iter()
        .map(|letter| letter["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_retry_leaves_newer_values_alone_and_writes_the_others() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    refused(
        &server,
        &redis,
        "a",
        &[json!({ "plan": "old", "city": "old" })],
    );
    refused(&server, &redis, "b", &[json!({ "plan": "old" })]);
    send(&server, "a", &json!({ "plan": "new" }));
    // The value that the letter has, and then another: only the order counts.
    send(&server, "b", &json!({ "plan": "old" }));
    send(&server, "b", &json!({ "plan": "new" }));
    server.settle("profiles");
    let told = retry_all(&server);
    assert_eq!(redis.fields("user:a")["plan"], "new");
    assert_eq!(redis.fields("user:a")["city"], "old");
    assert_eq!(redis.fields("user:b")["plan"], "new");
    assert_eq!(
        (&told["retried"], &told["superseded"]),
        (&json!(1), &json!(1)),
        "{told}"
    );
    assert!(letters(&server).is_empty());
}

#[test]
fn letters_of_one_user_are_written_in_journal_order_whichever_is_retried_first() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let all = [
        json!({ "plan": 1, "a": 1 }),
        json!({ "plan": 2 }),
        json!({ "plan": 3, "b": 3 }),
    ];
    refused(&server, &redis, "u", &all);
    let ids = ids(&server);
    assert_eq!(ids.len(), 3);
    act(
        &server,
        "retry",
        &json!({ "destination": "profiles", "ids": [ids[1]] }),
    );
    assert_eq!(redis.fields("user:u")["plan"], "2");
    act(
        &server,
        "retry",
        &json!({ "destination": "profiles", "ids": [ids[0]] }),
    );
    assert_eq!(
        redis.fields("user:u")["plan"],
        "2",
        "the newer letter was written already"
    );
    assert_eq!(redis.fields("user:u")["a"], "1");
    retry_all(&server);
    assert_eq!(redis.fields("user:u")["plan"], "3");
    assert_eq!(redis.fields("user:u")["b"], "3");
}

#[test]
fn a_redis_without_memory_for_the_first_write_only_does_not_turn_letters_around() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        proxy.address()
    ));
    let all = [
        json!({ "plan": 1, "a": 1 }),
        json!({ "plan": 2 }),
        json!({ "plan": 3 }),
    ];
    for user in ["u", "v", "w"] {
        refused(&server, &redis, user, &all);
    }
    assert_eq!(letters(&server).len(), 9);
    let mut memory = false;
    proxy.rule(move |command| {
        if is(command, "HSET") && !std::mem::replace(&mut memory, true) {
            Act::Answer("OOM command not allowed when used memory > 'maxmemory'.".to_owned())
        } else {
            Act::Pass
        }
    });
    // What is refused for want of memory stays a letter.
    eventually("all letters to be written", || {
        retry_all(&server);
        let plans = ["u", "v", "w"].map(|user| {
            let plan = redis.fields(&format!("user:{user}")).remove("plan");
            plan.unwrap_or_else(|| "3".to_owned())
        });
        assert_eq!(plans, ["3", "3", "3"]);
        letters(&server).is_empty().then_some(())
    });
    for user in ["u", "v", "w"] {
        let profile = redis.fields(&format!("user:{user}"));
        assert_eq!((&*profile["plan"], &*profile["a"]), ("3", "1"), "{user}");
    }
}

#[test]
fn what_was_overtaken_is_known_after_kill_9_and_to_the_command_line() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    refused(
        &server,
        &redis,
        "a",
        &[json!({ "plan": "old", "city": "old" })],
    );
    send(&server, "a", &json!({ "plan": "new" }));
    server.settle("profiles");
    server.kill();
    let output = server.cli(&["dead-letters", "retry"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(redis.fields("user:a")["plan"], "new");
    assert_eq!(redis.fields("user:a")["city"], "old");

    server.restart();
    refused(
        &server,
        &redis,
        "b",
        &[json!({ "plan": "old", "city": "old" })],
    );
    server.kill();
    server.restart();
    send(&server, "b", &json!({ "city": "new" }));
    server.settle("profiles");
    server.kill();
    server.restart();
    retry_all(&server);
    assert_eq!(redis.fields("user:b")["city"], "new");
    assert_eq!(redis.fields("user:b")["plan"], "old");
}

#[test]
fn a_retry_on_the_command_line_beside_a_delivering_server_never_turns_time_back() {
    const ROUNDS: u64 = 25;
    let redis = Redis::start();
    let server = Server::start(&redis);
    for round in 0..ROUNDS {
        let users: Vec<String> = (0..8).map(|user| format!("r{round}u{user}")).collect();
        for user in &users {
            redis.command::<()>(&["SET", &format!("user:{user}"), "no hash"]);
            for old in 1..=2 {
                send(&server, user, &json!({ "n": old, "other": old }));
            }
        }
        server.settle("profiles");
        for user in &users {
            redis.command::<()>(&["DEL", &format!("user:{user}")]);
        }
        let retried = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                server.cli(&["dead-letters", "retry"]);
                retried.store(true, Ordering::Relaxed);
            });
            let mut n = 10;
            while !retried.load(Ordering::Relaxed) || n == 10 {
                n += 1;
                for user in &users {
                    send(&server, user, &json!({ "n": n }));
                }
            }
            server.settle("profiles");
            for user in &users {
                let key = format!("user:{user}");
                assert_eq!(redis.fields(&key)["n"], n.to_string(), "{key}");
            }
        });
        eventually("the letters to be gone", || {
            server.cli(&["dead-letters", "retry"]);
            letters(&server).is_empty().then_some(())
        });
        for user in &users {
            assert_eq!(
                redis.fields(&format!("user:{user}"))["other"],
                "2",
                "{user}"
            );
        }
    }
}

/// A retry on the command line that is under way.
fn retrying(server: &Server) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .args(["dead-letters", "retry"])
        .env("KENWELL_CONFIG", server.config())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_retry_that_finds_redis_frozen_stops_and_lets_delivery_go_on() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    refused(&server, &redis, "a", &[json!({ "n": 1, "m": 1 })]);
    redis.freeze();
    let output = server.cli(&["dead-letters", "retry"]);
    redis.thaw();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("1 kept"), "{said}");
    send(&server, "a", &json!({ "n": 2 }));
    server.settle("profiles");
    retry_all(&server);
    assert_eq!(redis.fields("user:a")["n"], "2");
    assert_eq!(redis.fields("user:a")["m"], "1");
    assert!(letters(&server).is_empty());
}

/// A seeded generator: the same seed makes the same history.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Users whose keys are made unwritable and writable again, which keeps their hashes.
struct Users<'a> {
    redis: &'a Redis,
    blocked: [bool; 3],
    /// The newest value that was seen of each field.
    seen: BTreeMap<(String, String), u64>,
    /// The newest value that was sent.
    sent: BTreeMap<(String, String), u64>,
}

impl Users<'_> {
    fn toggle(&mut self, user: usize) {
        let (key, aside) = (format!("user:{user}"), format!("aside:{user}"));
        if self.blocked[user] {
            self.redis.command::<()>(&["DEL", &key]);
            if self.redis.command::<bool>(&["EXISTS", &aside]) {
                self.redis.command::<()>(&["RENAME", &aside, &key]);
            }
        } else {
            if self.redis.command::<bool>(&["EXISTS", &key]) {
                self.redis.command::<()>(&["RENAME", &key, &aside]);
            }
            self.redis.command::<()>(&["SET", &key, "no hash"]);
        }
        self.blocked[user] = !self.blocked[user];
    }

    /// No value is older than it was.
    fn look(&mut self, step: u64) {
        for (user, blocked) in self.blocked.iter().enumerate() {
            let key = if *blocked {
                format!("aside:{user}")
            } else {
                format!("user:{user}")
            };
            for (field, value) in self.redis.fields(&key) {
                let value: u64 = value.parse().unwrap();
                let seen = self
                    .seen
                    .entry((user.to_string(), field.clone()))
                    .or_default();
                assert!(
                    value >= *seen,
                    "step {step}: {field} of {user} was {seen} and is {value}"
                );
                *seen = value;
            }
        }
    }
}

#[test]
fn no_history_of_refusals_retries_and_kills_turns_a_value_back() {
    let seed = std::env::var("KENWELL_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let mut users = Users {
        redis: &redis,
        blocked: [false; 3],
        seen: BTreeMap::new(),
        sent: BTreeMap::new(),
    };
    for step in 1..=150 {
        let user = usize::try_from(random.below(3)).unwrap();
        match random.below(12) {
            0..6 => {
                let mut traits = serde_json::Map::new();
                for field in ["a", "b", "c"] {
                    if random.below(2) == 0 {
                        traits.insert(field.to_owned(), json!(step));
                        users
                            .sent
                            .insert((user.to_string(), field.to_owned()), step);
                    }
                }
                send(&server, &user.to_string(), &Value::Object(traits));
            }
            6..8 => {
                server.settle("profiles");
                users.toggle(user);
            }
            8 => {
                retry_all(&server);
            }
            9 => {
                let ids = ids(&server);
                if !ids.is_empty() {
                    let one = usize::try_from(random.below(ids.len() as u64)).unwrap();
                    act(
                        &server,
                        "retry",
                        &json!({ "destination": "profiles", "ids": [ids[one]] }),
                    );
                }
            }
            10 => {
                let mut child = retrying(&server);
                std::thread::sleep(Duration::from_millis(random.below(40)));
                child.kill().unwrap();
                child.wait().unwrap();
            }
            _ => {
                server.kill();
                server.cli(&["dead-letters", "retry"]);
                users.look(step);
                server.restart();
            }
        }
        users.look(step);
    }
    server.settle("profiles");
    for user in 0..3 {
        if users.blocked[user] {
            users.toggle(user);
        }
    }
    retry_all(&server);
    users.look(0);
    assert!(letters(&server).is_empty());
    assert_eq!(users.seen, users.sent, "seed {seed}");
}
