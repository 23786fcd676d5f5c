//! Bytes of a connection that is given up may arrive late: they overwrite nothing, because every connection has a name.

use crate::{
    redis_faults::{answered, behind, count, send, users},
    support::{ADMIN_KEY, Act, Client, Proxy, Redis, Server, eventually, is},
};

/// Keeps what is written from now on.
fn hold_writes(proxy: &Proxy) {
    proxy.rule(|command| {
        if is(command, "HSET") {
            Act::Hold
        } else {
            Act::Pass
        }
    });
}

#[test]
fn late_bytes_of_an_earlier_run_overwrite_nothing() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let mut server = Server::with(&behind(&proxy, "response_timeout = \"500ms\""));
    let one = |server: &Server, value| send(server, std::iter::once("u".to_owned()), value);
    one(&server, 1);
    server.settle("profiles");
    hold_writes(&proxy);
    one(&server, 2);
    eventually("bytes to be held", || (proxy.held() > 0).then_some(()));
    server.kill();
    proxy.rule(|_| Act::Pass);
    server.restart();
    one(&server, 3);
    server.settle("profiles");
    proxy.release();
    assert_eq!(redis.fields("user:u")["n"], "3", "after a restart");
    // The same after an edit of the settings.
    hold_writes(&proxy);
    one(&server, 4);
    eventually("bytes to be held", || (proxy.held() > 0).then_some(()));
    let text = std::fs::read_to_string(server.config()).unwrap();
    let text = text.replace("\"500ms\"", "\"600ms\"");
    std::fs::write(server.config(), text).unwrap();
    eventually("the new settings to be used", || {
        let shown = server.ask("GET", "/api/v1/destinations", "").text();
        shown.contains("600ms").then_some(())
    });
    proxy.rule(|_| Act::Pass);
    one(&server, 5);
    server.settle("profiles");
    proxy.release();
    assert_eq!(redis.fields("user:u")["n"], "5", "after an edit");
}

#[test]
fn late_bytes_of_a_retry_that_was_killed_overwrite_nothing() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let mut server = Server::with(&behind(&proxy, ""));
    let one = |server: &Server, value| send(server, std::iter::once("u".to_owned()), value);
    redis.command::<()>(&["SET", "user:u", "no hash"]);
    one(&server, 1);
    eventually("a letter", || {
        (count(&server, "dead_lettered_total") == 1).then_some(())
    });
    redis.command::<()>(&["DEL", "user:u"]);
    hold_writes(&proxy);
    let body = r#"{"destination":"profiles","all":true}"#;
    std::thread::scope(|scope| {
        let private = server.private.clone();
        scope.spawn(move || {
            let request = format!(
                "POST /api/v1/dead-letters/retry HTTP/1.1\r\nHost: {private}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut client = Client::connect(&private);
            client.send(request.as_bytes()).unwrap();
            // It is killed meanwhile.
            drop(client.receive(false));
        });
        eventually("the letter to be held", || (proxy.held() > 0).then_some(()));
        server.kill();
    });
    proxy.rule(|_| Act::Pass);
    server.restart();
    one(&server, 2);
    server.settle("profiles");
    proxy.release();
    assert_eq!(redis.fields("user:u")["n"], "2");
}

/// The names of the connections that have written profiles.
fn writers(redis: &Redis) -> Vec<String> {
    let listed: String = redis.command(&["CLIENT", "LIST"]);
    let value = |line: &str, key: &str| {
        let found = line.split(' ').find_map(|pair| pair.strip_prefix(key));
        found.unwrap_or_default().to_owned()
    };
    let writes = |line: &&str| value(line, "cmd=") == "hset";
    let found = listed.lines().filter(writes);
    found.map(|line| value(line, "name=")).collect()
}

#[test]
fn what_is_refused_for_a_moment_leaves_no_connection_without_a_name() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    let words = "ERR max daily request limit exceeded";
    // Everything, for a while.
    proxy.rule(move |_| answered(words));
    let server = Server::with(&behind(&proxy, ""));
    send(&server, users(200), 1);
    eventually("the quota to show", || {
        server
            .ready()
            .text()
            .contains("limit exceeded")
            .then_some(())
    });
    // Then each of these once, in the middle of a login.
    let mut refused = Vec::new();
    proxy.rule(move |command| {
        let opens = ["SETNAME", "INFO", "LIST"];
        let word = command
            .get(1)
            .map(|word| String::from_utf8_lossy(word).into_owned());
        match word {
            Some(word) if opens.contains(&&*word) && !refused.contains(&word) => {
                refused.push(word);
                answered(words)
            }
            _ => Act::Pass,
        }
    });
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 200);
    let writers = writers(&redis);
    assert!(!writers.is_empty());
    for name in writers {
        assert!(name.starts_with("kenwell:"), "{name:?}");
    }
}
