//! The examples, run as a newcomer runs them.

use std::process::Command;

use crate::support::server::Server;

/// Builds an example.
fn build(name: &str) {
    // For the whole workspace, as its tests are built: otherwise all dependencies are built once more.
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--locked",
            "--workspace",
            "--exclude",
            "kenwell-teloxide",
            "--example",
            name,
        ])
        .status();
    assert!(built.unwrap().success());
}

/// Runs an example against a Redis and gives what it prints. `TEST_EXAMPLES=built` says that it is built already.
fn example(name: &str, server: &Server) -> String {
    if std::env::var_os("TEST_EXAMPLES").is_none_or(|said| said != "built") {
        build(name);
    }
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name);
    let url = format!("redis://{}", server.address());
    let output = Command::new(program).arg(url).output().unwrap();
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", printed(&output.stderr));
    printed(&output.stdout)
}

#[test]
fn a_chat_bot_remembers_ten_turns() {
    let server = Server::start(&[]);
    assert_eq!(
        example("chat_history", &server),
        "ada: I am Ada\n\
         bot: Nice to meet you, Ada.\n\
         ada: Hello\n\
         bot: Go on, Ada.\n\
         ada: What did I say first?\n\
         bot: As far as I remember: Message 1\n\
         chat:data:ada holds 10 of 12 turns.\n"
    );
    assert!(
        server
            .cli(&["TTL", "chat:data:ada"])
            .parse::<i64>()
            .unwrap()
            > 2_000_000
    );
}

#[test]
fn encrypted_users_are_read_and_moved_to_the_new_key() {
    let server = Server::start(&[]);
    let printed = example("encrypted_user", &server);
    assert!(printed.starts_with("saved at bank:user:"), "{printed}");
    assert!(
        printed
            .ends_with("with the old key: Some(\"Ada\")\nopened with the new key: Some(\"Ada\")\n"),
        "{printed}"
    );
    let keys = server.cli(&["KEYS", "bank:user:*"]);
    let sealed = server.cli(&["GET", &keys]);
    assert!(
        sealed.starts_with("kw1.2026.") && !keys.contains("ada"),
        "{keys} {sealed}"
    );
}

#[test]
fn a_session_is_kept_behind_axum() {
    let server = Server::start(&[]);
    assert_eq!(
        example("session_axum", &server),
        "visit 1\nvisit 2\nvisit 3\n"
    );
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    let key = server.cli(&["KEYS", "web:session:*"]);
    assert!(server.cli(&["TTL", &key]).parse::<i64>().unwrap() > 800);
}

#[test]
fn sessions_of_tower_sessions_are_kept_behind_axum() {
    let server = Server::start(&[]);
    assert_eq!(
        example("tower_sessions_axum", &server),
        "home: visit 1\nhome: visit 2\nhome: visit 3\ncart: visit 1\n"
    );
    assert_eq!(server.cli(&["DBSIZE"]), "1");
    let session = server.cli(&["GET", &server.cli(&["KEYS", "web:session:*"])]);
    assert!(
        session.starts_with(r#"{"data":{"cart":1,"home":3},"#),
        "{session}"
    );
}

#[test]
fn a_program_without_async_counts() {
    let server = Server::start(&[]);
    assert_eq!(
        example("blocking", &server),
        "visit 1\nvisit 2\nno event has said anything yet\n"
    );
    server.cli(&["HSET", "user:ada", "plan", "pro"]);
    assert_eq!(example("blocking", &server), "visit 3\nvisit 4\n1 traits\n");
}
