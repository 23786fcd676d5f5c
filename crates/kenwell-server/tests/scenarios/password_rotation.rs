//! A password that is replaced while the server runs: in Redis first, then in the file.

use std::fs;

use crate::support::{Redis, Server, eventually, post};

#[test]
fn a_rotated_password_is_taken_up_without_a_restart() {
    let (redis, directory) = (Redis::start(), tempfile::tempdir().unwrap());
    let file = directory.path().join("redis-password");
    // This connection stays logged in.
    let mut admin = redis.connection();
    let mut say = |words: &[&str]| {
        let said: redis::Value = redis::Cmd::new().arg(words).query(&mut admin).unwrap();
        said
    };
    say(&["CONFIG", "SET", "requirepass", "old-SECRET"]);
    fs::write(&file, "old-SECRET\n").unwrap();
    let server = Server::with(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\npassword = \"file:{}\"\n",
        redis.address(),
        file.display()
    ));
    let send = |user: &str| {
        let event = format!(r#"{{"userId":"{user}","traits":{{"n":1}}}}"#);
        assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    };
    send("a");
    server.settle("profiles");

    // What is open goes on, as the lane of this user is; what has to log in again waits for the file,
    // and says which.
    say(&["CONFIG", "SET", "requirepass", "new-SECRET"]);
    send("a");
    server.settle("profiles");
    say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    send("b");
    let overview = eventually("the refusal to show", || {
        let overview = server.ask("GET", "/api/v1/overview", "").text();
        Some(overview).filter(|text| text.contains("WRONGPASS"))
    });
    let words = [
        "\"needs_operator\":true",
        "correct `password`",
        "redis-password",
    ];
    for word in words {
        assert!(overview.contains(word), "{overview}");
    }
    fs::write(&file, "new-SECRET\n").unwrap();
    server.settle("profiles");
    for user in ["a", "b"] {
        let key = format!("user:{user}");
        assert_eq!(say(&["EXISTS", &key]), redis::Value::Int(1), "{user}");
    }
    eventually("the server to be ready", || {
        server.ready().text().contains("\"ready\"").then_some(())
    });
    assert!(!server.log().contains("SECRET"));
}
