//! The Node package beside this library, on the same keys: each reads what the other one writes.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use kenwell::state::hashing::UserIdHash;
use kenwell::state::{
    Entry, HistoryElement, JsonError, KeyRequest, Record, Session, SessionElement, StateStore,
    StoredElements,
};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::walk_of_a_save::with_user;

/// Reads a line of JSON, `[method, ...arguments]`, and writes one: what the store gave, or `{"error": …}`. `addOne`
/// is an update by a function, and the option `keysByHook` names keys by one.
const SCRIPT: &str = "
const { StateStore } = require(process.argv[1]);
const { keysByHook, ...options } = JSON.parse(process.argv[2]);
if (keysByHook) options.onCreateKey = (user, { id }) => `${user}/${id}`;
const store = new StateStore(options);
store.addOne = (user) => store.update(user, (record) => { record.user.data.visits = (record.user.data.visits ?? 0) + 1; });
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const [method, ...given] = JSON.parse(line);
  const answer = await store[method](...given).catch((error) => ({ error: `${error.code} ${error.message}` }));
  console.log(JSON.stringify(answer ?? null));
});
";

/// A process with a store of the Node package.
struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    fn start(server: &Server, options: &Value) -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kenwell-node/state.js");
        let mut options = options.clone();
        options["connectionString"] = format!("redis://{}", server.address()).into();
        let mut child = Command::new("node")
            .args(["-e", SCRIPT])
            .arg(package.canonicalize().unwrap())
            .arg(options.to_string())
            .env("KENWELL_NATIVE", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot run node ({error}); install it: apt-get install nodejs")
            });
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// Sends a call.
    fn begin(&mut self, call: &Value) {
        writeln!(self.input, "{call}").unwrap();
    }

    /// Waits for an answer.
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, call: &Value) -> Value {
        self.begin(call);
        self.answer()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[tokio::test]
async fn a_history_list_is_the_same_for_both() {
    let server = Server::start(&[]);
    let list = json!({"id": "turns", "size": 4, "ttlSeconds": 60, "fields": ["text", "n"]});
    let mut node = Node::start(&server, &json!({"keyPrefix": "bot", "historyList": list}));
    let element = HistoryElement {
        size: 4,
        fields: Some(vec!["text".to_owned(), "n".to_owned()]),
    };
    let store = StateStore::builder(server.connection())
        .key_prefix("bot")
        .history_list(Entry::new("turns").ttl_seconds(60), element)
        .build()
        .unwrap();
    let turn = json!({"n": 1.50, "secret": 1, "text": "ü€𝄞 \"x\"\n\u{2028}", "7": null});
    let kept = json!({"text": "ü€𝄞 \"x\"\n\u{2028}", "n": 1.5});
    store.append_history("ada", &turn).await.unwrap();
    assert_eq!(node.call(&json!(["history", "ada"])), json!([kept]));
    assert_eq!(
        node.call(&json!(["appendHistory", "ada", turn])),
        Value::Null
    );
    let both = server.cli(&["LRANGE", "bot:turns:ada", "0", "-1"]);
    let (one, other) = both.split_once('\n').unwrap();
    assert_eq!(one, other, "the same bytes");
    assert_eq!(
        store.history::<Value>("ada").await.unwrap(),
        [kept.clone(), kept.clone()]
    );
    node.call(&json!(["appendHistory", "ada", [2, 3]]));
    store.append_history("ada", &4).await.unwrap();
    let all = json!([4, 3, 2, kept]);
    assert_eq!(node.call(&json!(["history", "ada"])), all);
    assert_eq!(json!(store.history::<Value>("ada").await.unwrap()), all);
    // Both see the same entries, and what one deletes is gone for the other one.
    let listed = node.call(&json!(["list", "ada"]));
    let stored = store.stored_entries("ada").await.unwrap();
    assert_eq!(listed[0]["entry"], json!(stored[0].entry));
    assert_eq!(listed[0]["key"], json!("bot:turns:ada"));
    assert_eq!(listed[0]["value"], Value::Null);
    assert!(listed[0]["expiresInMs"].as_u64().unwrap() > 50_000);
    assert_eq!(node.call(&json!(["delete", "ada"])), json!(true));
    assert!(store.history::<Value>("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn updates_of_both_lose_nothing() {
    let server = Server::start(&[]);
    let mut node = Node::start(&server, &json!({}));
    let store = StateStore::builder(server.connection()).build().unwrap();
    for _update in 0..30 {
        node.begin(&json!(["addOne", "ada"]));
    }
    let add_one = |record: &mut Record| {
        let mut data: Value = record.user()?.unwrap_or_else(|| json!({}));
        data["visits"] = json!(data["visits"].as_u64().unwrap_or(0) + 1);
        record.set_user(&data)?;
        Ok::<_, JsonError>(())
    };
    for _update in 0..30 {
        store.update("ada", add_one).await.unwrap();
    }
    for _update in 0..30 {
        let answer = node.answer();
        assert_eq!(answer["error"], Value::Null, "{answer}");
    }
    let record = store.load("ada").await.unwrap().unwrap();
    assert_eq!(record.user::<Value>().unwrap().unwrap()["visits"], 60);
    let loaded = node.call(&json!(["load", "ada"]));
    assert_eq!(
        loaded["createdAt"],
        json!(record.created_at().unwrap().to_string())
    );
}

#[tokio::test]
async fn keys_of_a_hook_are_the_same_for_both_where_user_ids_are_hashed() {
    let server = Server::start(&[]);
    let secret = "sixteen bytes or more";
    let options = json!({"hashUserIds": {"secret": secret}, "keysByHook": true});
    let mut node = Node::start(&server, &options);
    let hash = UserIdHash::new(secret.as_bytes()).unwrap();
    let key = format!("{}/data", hash.name("ada"));
    let store = StateStore::builder(server.connection())
        .hash_user_ids(hash)
        .on_create_key(
            |KeyRequest {
                 user_id, entry_id, ..
             }| Ok::<_, Infallible>(format!("{user_id}/{entry_id}")),
        )
        .build()
        .unwrap();
    store.save("ada", &mut with_user(&json!(1))).await.unwrap();
    assert_eq!(server.cli(&["KEYS", "*"]), key);
    assert_eq!(node.call(&json!(["load", "ada"]))["user"]["data"], 1);
    assert_eq!(node.call(&json!(["delete", "ada"])), json!(true));
}

/// A record's text without the digits of its times.
fn without_times(mut text: String) -> String {
    const BEFORE: &str = "At\":\"";
    const DIGITS: usize = "2024-01-01T00:00:00.000Z".len();
    let mut from = 0;
    while let Some(found) = text[from..].find(BEFORE) {
        from += found + BEFORE.len();
        text.replace_range(from..from + DIGITS, "");
    }
    text
}

#[tokio::test]
async fn sessions_are_written_alike_and_end_alike() {
    let server = Server::start(&[]);
    let elements = json!({"session": {"expiresAfterSeconds": 60}, "history": {"size": 2}});
    let mut node = Node::start(&server, &json!({"storedElements": elements}));
    let stored = StoredElements {
        session: Some(SessionElement {
            expires_after: Duration::from_mins(1),
        }),
        history: Some(HistoryElement {
            size: 2,
            fields: None,
        }),
        ..StoredElements::default()
    };
    let builder = StateStore::builder(server.connection()).elements(stored);
    let store = builder.build().unwrap();
    let mut record = with_user(&json!({}));
    let mut session = Session::new("s");
    session.set_data(&json!({"n": 1})).unwrap();
    record.set_session(Some(session));
    for turn in 1..=3 {
        record.push_history(&turn).unwrap();
    }
    store.save("ada", &mut record).await.unwrap();
    let parts = json!({
        "history": {"items": [3, 2, 1]}, "user": {"data": {}}, "session": {"data": {"n": 1}, "id": "s"},
    });
    node.call(&json!(["save", "bob", parts]));
    let text = |key: &str| without_times(server.cli(&["GET", key]));
    assert_eq!(text("data:ada"), text("data:bob"));
    let loaded = node.call(&json!(["load", "ada"]));
    assert_eq!(loaded["session"]["data"], json!({"n": 1}));
    assert_eq!(loaded["history"]["items"], json!([3, 2]));
    let bob = store.load("bob").await.unwrap().unwrap();
    assert_eq!(bob.session().unwrap().id(), Some("s"));
    // Too old for both.
    let old = r#"{"session":{"id":"s","updatedAt":"2024-01-01T00:00:00.000Z"}}"#;
    server.cli(&["SET", "data:eve", old]);
    assert_eq!(node.call(&json!(["load", "eve"])), json!({}));
    assert!(
        store
            .load("eve")
            .await
            .unwrap()
            .unwrap()
            .session()
            .is_none()
    );
}
