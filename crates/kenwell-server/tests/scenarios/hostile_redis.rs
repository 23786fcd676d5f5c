//! A Redis that means harm: what it says steers no terminal and writes no lines of its own, in no log and no
//! output.

use crate::support::{Act, Proxy, Redis, Server, eventually, is, post};

/// A refusal that tries to clear the screen, to write a line of its own, and to turn the text around.
const WORDS: &str =
    "EVIL \u{1b}[2J\u{9b}31m\n2026-01-01T00:00:00Z ERROR forged=line\r\u{202e}\u{200b}\u{7} end";

fn tables(address: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\nname = \"\\u001b[31m\\nred\\u202e\"\naddress = \"{address}\"\n"
    )
}

/// Whether each line is one of the server's own, and nothing in it steers or hides.
fn assert_harmless(text: &str) {
    for line in text.lines() {
        assert!(line.chars().all(kenwell::is_printable), "{line:?}");
        assert!(!line.starts_with("2026-01-01"), "{line:?}");
    }
}

#[test]
fn what_redis_says_stays_one_line_of_the_log() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis.address());
    for command in ["HSET", "PING"] {
        proxy.rule(move |words| {
            if is(words, command) {
                Act::Answer(WORDS.to_owned())
            } else {
                Act::Pass
            }
        });
        let mut server = Server::with(&tables(&proxy.address()));
        for format in ["text", "json"] {
            server.terminate();
            std::fs::write(server.config().with_file_name("server.log"), "").unwrap();
            server.restart_saying(&["--log-format", format]);
            let event = r#"{"userId":"u1","traits":{"n":1}}"#;
            assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
            let logged = || Some(server.log()).filter(|log| log.contains("EVIL"));
            if command == "HSET" {
                let log = eventually("the refusal in the log", logged);
                assert_harmless(&log);
                if format == "json" {
                    for line in log.lines() {
                        serde_json::from_str::<serde_json::Value>(line).unwrap();
                    }
                }
            }
        }
        let output = server.cli(&["doctor"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("EVIL"), "{said}");
        assert_harmless(&said);
        assert_harmless(&String::from_utf8(output.stderr).unwrap());
    }
}

#[test]
fn what_a_configuration_says_stays_one_line() {
    let redis = Redis::start();
    let server = Server::with(&tables(&redis.address()));
    let good = std::fs::read_to_string(server.config()).unwrap();
    let evil = "\\u001b[2J\\n2026-01-01 forged\\u202e";
    for line in [
        format!("\"x{evil}\" = 1"),
        format!("database = \"{evil}\""),
        format!("address = \"{evil}:1\""),
        format!("url = \"redis://{evil}\""),
        format!("ca_certificate = \"/{evil}\"\nsecure = true"),
        format!("password = \"env:{evil}\""),
    ] {
        std::fs::write(server.config(), format!("{good}{line}\n")).unwrap();
        let output = server.cli(&["config", "check"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && !said.is_empty(), "{line}");
        assert_harmless(&said);
        assert_harmless(&String::from_utf8(output.stdout).unwrap());
    }
    eventually("the refused file in the log", || {
        server.log().contains("configuration").then_some(())
    });
    assert_harmless(&server.log());
}
