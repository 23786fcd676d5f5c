//! The command line as people and scripts meet it: help, exit codes, output.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

#[path = "cli/configuration.rs"]
mod configuration;
#[path = "../../kenwell/tests/support/ports.rs"]
#[expect(unreachable_pub, reason = "tests of the library use it, too")]
mod ports;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use kenwell_server::dead_letters::{DeadLetter, DeadLetters};
use ports::free_port;

/// `kenwell` in a directory, with a clean environment.
fn kenwell(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kenwell"));
    command
        .current_dir(directory)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null());
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    kenwell(directory, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A directory with a configuration that works; nobody listens at its Redis address.
fn configured() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let text = format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"SECRET-KEY\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"127.0.0.1:{port}\"\n"
    );
    fs::write(directory.path().join("kenwell.toml"), text).unwrap();
    directory
}

/// What can be typed, without the first word.
const COMMANDS: [&str; 36] = [
    "",
    "serve",
    "dev",
    "import",
    "import rudderstack",
    "migrate",
    "migrate rudderstack",
    "migrate jovo",
    "top",
    "tail",
    "replay",
    "config",
    "config check",
    "config schema",
    "doctor",
    "identify",
    "profile",
    "profile get",
    "profile why",
    "admin-key",
    "admin-key reset",
    "journal",
    "journal stats",
    "destinations",
    "destinations list",
    "destinations pause",
    "destinations resume",
    "destinations forget",
    "dead-letters",
    "dead-letters list",
    "dead-letters show",
    "dead-letters retry",
    "dead-letters discard",
    "metrics",
    "completions",
    "man",
];

#[test]
fn help() {
    let directory = tempfile::tempdir().unwrap();
    for path in COMMANDS {
        let mut arguments: Vec<&str> = path.split_whitespace().collect();
        arguments.push("--help");
        let output = run(directory.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{path}");
        assert!(stdout(&output).contains("Examples:"), "{path}");
        let name = format!("help {path}").trim().replace(' ', "_");
        insta::assert_snapshot!(name, stdout(&output));
    }
}

#[test]
fn the_page_about_the_command_line_names_every_command() {
    let page = fs::read_to_string("../../docs/cli.md").unwrap();
    for path in COMMANDS {
        assert!(page.contains(format!("kenwell {path}").trim()), "{path}");
    }
    let directory = tempfile::tempdir().unwrap();
    let help = stdout(&run(directory.path(), &["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap().lines();
    // What is longer than a line goes on further to the right.
    let named = commands
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '));
    for command in named.filter_map(|line| line.split_whitespace().next()) {
        let heading = format!("## `kenwell {command}");
        assert!(page.contains(&heading) || command == "help", "{command}");
    }
    let after = |heading: &str| page.split(heading).nth(1).unwrap();
    let rows = after("# The command line").split("\n## ").next().unwrap();
    let of_json = after("### JSON").split("\n### ").next().unwrap();
    for path in COMMANDS.iter().filter(|path| !path.is_empty()) {
        let (command, verb) = path.split_once(' ').unwrap_or((path, ""));
        assert!(rows.contains(&format!("`{command}")), "{path}");
        let is_about = |row: &str| row.contains(&format!("`{command}")) && row.contains(verb);
        let words: Vec<_> = path.split(' ').chain(["--help"]).collect();
        let help = stdout(&run(directory.path(), &words));
        let takes_json = help.contains(" --json");
        assert!(!takes_json || of_json.lines().any(is_about), "{path}");
    }
}

#[test]
fn packages_get_completions_for_each_shell_and_a_page_for_each_command() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(directory.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}: {output:?}");
        let script = stdout(&output);
        for command in ["kenwell", "dead-letters", "discard", "tail", "top", "pause"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let output = run(directory.path(), &["man", "pages/man1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for page in [
        "kenwell.1",
        "kenwell-serve.1",
        "kenwell-config-check.1",
        "kenwell-top.1",
        "kenwell-dead-letters-discard.1",
    ] {
        let text = fs::read_to_string(directory.path().join("pages/man1").join(page)).unwrap();
        assert!(
            text.contains(".SH NAME") && text.contains("Examples"),
            "{page}"
        );
    }
}

#[test]
fn the_schema_of_the_file_is_json_with_a_sentence_for_each_key() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(directory.path(), &["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let listen = &schema["properties"]["gateway"]["properties"]["listen"];
    assert_eq!(listen["default"], "127.0.0.1:8080");
    let description = listen["description"].as_str().unwrap();
    assert!(description.starts_with("IP address"), "{description}");
}

#[test]
fn mistakes_on_the_command_line_exit_with_2() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["serv"],
        &["serve", "--port", "1"],
        &["identify", "ada", "plan=pro"],
        &["identify", "ada", "plan", "--write-key", "k"],
        &["identify", "ada", "--write-key", "k", "--url", "ftp://h"],
        &["dev", "--gateway-listen", "8080"],
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// As when a variable in a script is not set: everybody's events would be shown.
#[test]
fn a_filter_that_is_empty_is_no_filter_for_all() {
    let directory = configured();
    for filter in ["--user", "--source", "--destination", "--type"] {
        let url = format!("http://127.0.0.1:{}", free_port());
        let output = kenwell(directory.path(), &["tail", filter, "", "--url", &url])
            .env("KENWELL_ADMIN_KEY", "a key that opens nothing")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{filter}: {output:?}");
        assert!(stderr(&output).contains(filter), "{output:?}");
    }
}

#[test]
fn a_good_configuration_is_summed_up_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[[sources]]\nid = \"web\"\nwrite_key = \"SECRET\"\ndestinations = [\"profiles\"]\n\
                [[sources]]\nid = \"old\"\nwrite_key = \"SECRET-2\"\nenabled = false\n\
                [[destinations]]\nid = \"profiles\"\naddress = \"127.0.0.1:6379\"\npassword = \"SECRET\"\n\
                [[destinations]]\nid = \"spare\"\naddress = \"127.0.0.1:6380\"\nsecure = true\nskip_verify = true\n";
    fs::write(directory.path().join("kenwell.toml"), text).unwrap();
    let output = run(directory.path(), &["config", "check", "kenwell.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let (said, doubts) = (stdout(&output), stderr(&output));
    assert!(!said.contains("SECRET"), "{said}");
    insta::assert_snapshot!(said);
    assert!(!doubts.contains("SECRET"), "{doubts}");
    assert_eq!(
        doubts.matches("warning: kenwell.toml").count(),
        3,
        "{doubts}"
    );
}

#[test]
fn a_new_admin_key_is_printed_alone_or_as_json() {
    let directory = configured();
    let reset = |words: &[&str]| {
        let output = run(directory.path(), &[&["admin-key", "reset"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        stdout(&output)
    };
    assert!(reset(&[]).starts_with("kwa_"));
    let told: serde_json::Value = serde_json::from_str(&reset(&["--json"])).unwrap();
    assert!(told["admin_key"].as_str().unwrap().starts_with("kwa_"));
}

#[test]
fn a_log_level_that_is_none_is_explained() {
    let directory = configured();
    let output = kenwell(directory.path(), &["config", "check"])
        .env("KENWELL_LOG", "kenwell=loud")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("KENWELL_LOG"), "{output:?}");
}

#[test]
fn a_journal_that_nobody_has_written_is_empty() {
    let directory = configured();
    let output = run(directory.path(), &["journal", "stats"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = stdout(&output).replace(directory.path().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(said);
    let output = run(directory.path(), &["journal", "stats", "--json"]);
    insta::assert_snapshot!("empty_journal_json", stdout(&output));
    assert!(
        !directory.path().join("data").exists(),
        "looking makes nothing"
    );
}

#[test]
fn dead_letters_are_listed_and_stay_while_redis_is_away() {
    let directory = configured();
    let empty = run(directory.path(), &["dead-letters", "list"]);
    assert_eq!(stdout(&empty), "profiles: 0 dead letters\n", "{empty:?}");
    let none = run(directory.path(), &["dead-letters", "retry"]);
    assert_eq!(none.status.code(), Some(0), "{none:?}");

    let letters = DeadLetters::open(&directory.path().join("data/dead-letters"), 1 << 20).unwrap();
    let letter = DeadLetter {
        at: 1_767_225_599_250,
        destination: "profiles".into(),
        offset: 7,
        source: "web".into(),
        key: "user:a\u{1b}[2J".into(),
        reason: "WRONGTYPE Operation against a key holding the wrong kind of value".into(),
        received_at: 1_767_225_599_000,
        sent_at: None,
        event: br#"{"userId":"a","traits":{"x":1}}"#.to_vec(),
    };
    letters.append("profiles", &[letter]).unwrap();
    let listed = run(directory.path(), &["dead-letters", "list"]);
    insta::assert_snapshot!("dead_letters_list", stdout(&listed));
    let listed = run(
        directory.path(),
        &[
            "dead-letters",
            "list",
            "--json",
            "--destination",
            "profiles",
        ],
    );
    insta::assert_snapshot!("dead_letters_list_json", stdout(&listed));
    let unknown = run(
        directory.path(),
        &["dead-letters", "list", "--destination", "profile"],
    );
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");

    let retried = run(directory.path(), &["dead-letters", "retry"]);
    assert_eq!(retried.status.code(), Some(1), "{retried:?}");
    assert!(stdout(&retried).contains("0 written"), "{retried:?}");
    assert!(stdout(&retried).contains("1 kept"), "{retried:?}");
    assert!(stderr(&retried).contains("cannot connect"), "{retried:?}");
    assert_eq!(letters.list("profiles").unwrap().count(), 1);
}

#[test]
fn a_profile_cannot_be_read_while_redis_is_away() {
    let directory = configured();
    let output = run(directory.path(), &["profile", "get", "ada"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let says = stderr(&output);
    assert!(says.contains("cannot connect"), "{says}");
    assert_eq!(says.matches("refused").count(), 1, "{says}");
}

/// Answers one request with `answer`, and gives the request.
fn server_for_one(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (url, server)
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(buffer.get(..count).unwrap());
        let text = String::from_utf8_lossy(&request).into_owned();
        if count == 0 || text.ends_with("}}") {
            return text;
        }
    }
}

#[test]
fn identify_sends_one_event_and_prints_ok() {
    let directory = tempfile::tempdir().unwrap();
    let (url, server) = server_for_one("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let output = kenwell(
        directory.path(),
        &["identify", "ada", "plan.tier=pro", "age=36", "--url", &url],
    )
    .env("KENWELL_WRITE_KEY", "key-1")
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output), "ok\n");
    let request = server.join().unwrap();
    assert!(
        request.starts_with("POST /v1/identify HTTP/1.1\r\n"),
        "{request}"
    );
    let request = request.to_lowercase();
    assert!(
        request.contains("authorization: basic a2v5lte6"),
        "{request}"
    );
    let body = r#"{"type":"identify","userid":"ada","traits":{"plan":{"tier":"pro"},"age":36}}"#;
    assert!(request.ends_with(body), "{request}");
}

#[test]
fn identify_can_wait_and_says_what_is_stored_and_not_applied() {
    let directory = tempfile::tempdir().unwrap();
    let body = r#"{"applied":false,"reason":"paused","message":"stored for good; a destination is paused"}"#;
    let length = body.len();
    let answer = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {length}\r\n\r\n{body}");
    for (wait, query) in [("--wait", "5000ms"), ("--wait=1s", "1000ms")] {
        let (url, server) = server_for_one(answer.clone().leak());
        let words = [
            "identify",
            "ada",
            wait,
            "x=1",
            "--write-key",
            "k",
            "--url",
            &url,
        ];
        let output = run(directory.path(), &words);
        let request = server.join().unwrap();
        let line = format!("POST /v1/identify?wait=applied&timeout={query} HTTP/1.1\r\n");
        assert!(request.starts_with(&line), "{request}");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        insta::assert_snapshot!("identify_not_applied", stderr(&output));
    }
    let wrong = run(
        directory.path(),
        &["identify", "ada", "--wait=1h", "--write-key", "k"],
    );
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    assert!(stderr(&wrong).contains("1ms to 20s"), "{wrong:?}");
}

#[test]
fn identify_explains_a_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 18\r\n\r\nInvalid Write Key\n";
    let (url, server) = server_for_one(answer);
    let output = run(
        directory.path(),
        &["identify", "ada", "x=1", "--write-key", "-k", "--url", &url],
    );
    server.join().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output).replace(&url, "URL");
    insta::assert_snapshot!(said);
}

#[test]
fn identify_explains_that_nobody_listens() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}", free_port());
    let output = run(
        directory.path(),
        &["identify", "ada", "x=1", "--write-key", "k", "--url", &url],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output).replace(&url, "URL");
    insta::assert_snapshot!(said);
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let directory = configured();
    let letters = DeadLetters::open(&directory.path().join("data/dead-letters"), 64 << 20).unwrap();
    let letter = DeadLetter {
        at: 0,
        destination: "profiles".into(),
        offset: 0,
        source: "web".into(),
        key: "user:a".into(),
        reason: "x".repeat(1000),
        received_at: 0,
        sent_at: None,
        event: b"{}".to_vec(),
    };
    letters.append("profiles", &vec![letter; 2000]).unwrap();
    let mut child = kenwell(directory.path(), &["dead-letters", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stderr(&output), "");
}
