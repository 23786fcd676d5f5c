//! What goes wrong has the same codes here and in the Node package: `conformance/state-errors.json`, which its tests
//! read too. Each case is provoked with a Redis of its own, or with answers that no Redis gives.

use std::collections::HashMap;
use std::net::UdpSocket;

use kenwell::connection::{Connection, Settings};
use kenwell::state::{Entry, Record, StateStore};
use serde::Deserialize;

use crate::support::proxy::{Act, Proxy};
use crate::support::server::Server;

const CASES: &str = include_str!("../../../../conformance/state-errors.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    #[serde(default)]
    server: Vec<String>,
    #[serde(default)]
    setup: Vec<Vec<String>>,
    #[serde(default)]
    login: String,
    host: Option<String>,
    #[serde(default)]
    path: String,
    /// Ids of the store's entries.
    #[serde(default)]
    entries: Vec<String>,
    call: Option<String>,
    /// What comes instead of Redis' own answer to these commands.
    #[serde(default)]
    answers: HashMap<String, String>,
    rust: String,
    redis_code: Option<String>,
    retryable: bool,
}

/// An address of this machine that servers do not take for the machine itself, if it has one. Nothing is sent.
fn outside() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.254:9").ok()?;
    Some(socket.local_addr().unwrap().ip().to_string())
}

async fn outcome(case: &Case, host: &str) -> kenwell::state::Error {
    let options: Vec<&str> = case.server.iter().map(String::as_str).collect();
    let server = Server::start(&options);
    for command in &case.setup {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        server.cli(&command);
    }
    let proxy = Proxy::before(&server.address());
    let answers = case.answers.clone();
    proxy.rule(move |command| {
        let name = String::from_utf8_lossy(&command[0]).into_owned();
        let answer = answers.get(&name).cloned();
        answer.map_or(Act::Pass, |answer| Act::Flood(answer.into(), Vec::new()))
    });
    let Case { login, path, .. } = case;
    let address = if case.answers.is_empty() {
        server.address()
    } else {
        proxy.address()
    };
    let port = address.rsplit(':').next().unwrap();
    let settings = Settings::from_url(&format!("redis://{login}{host}:{port}{path}")).unwrap();
    let connection = Connection::new(settings).unwrap();
    let mut builder = StateStore::builder(connection);
    if !case.entries.is_empty() {
        let entries = case.entries.iter();
        builder = builder.entries(entries.map(|id| Entry::new(id).everything()));
    }
    let store = builder.build().unwrap();
    match case.call.as_deref() {
        None => store.load("ada").await.map(drop).unwrap_err(),
        Some("delete") => store.delete("ada").await.unwrap_err(),
        Some("saveIfUnchanged") => {
            let saved = store.save_if_unchanged("ada", &mut Record::new()).await;
            saved.unwrap_err()
        }
        Some(_save) => store.save("ada", &mut Record::new()).await.unwrap_err(),
    }
}

#[tokio::test]
async fn errors_have_the_codes_of_the_common_table() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let outside = outside();
    for case in &cases {
        let host = match &case.host {
            None => Some("127.0.0.1"),
            Some(_outside) => outside.as_deref(),
        };
        let Some(host) = host else { continue };
        let error = outcome(case, host).await;
        let redis = error.redis().unwrap();
        let reply = redis.reply().map(kenwell::Reply::code);
        assert_eq!(
            (redis.code(), reply, error.is_retryable()),
            (&*case.rust, case.redis_code.as_deref(), case.retryable),
            "{}: {error}",
            case.name
        );
    }
}
