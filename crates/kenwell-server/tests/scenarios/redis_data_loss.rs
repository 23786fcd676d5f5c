//! A Redis that came back with less: noticed, and given again what the journal has, by itself where it
//! restarted or another server took over, and on demand where somebody emptied it.

mod failovers;
mod reported_only;
mod restarts;

use std::collections::BTreeMap;

use crate::support::{Client, Node, Server, eventually, metric};

/// How many users there are.
const USERS: usize = 7;

/// What was sent, and to which server.
struct Load {
    sent: usize,
}

impl Load {
    fn new() -> Self {
        Self { sent: 0 }
    }

    /// Sends so many events more. Each has a field that always changes, and one of its own.
    fn send(&mut self, server: &Server, count: usize) {
        let mut client = Client::connect(&server.gateway);
        for first in (self.sent..self.sent + count).step_by(100) {
            let numbers = first..(first + 100).min(self.sent + count);
            let events: Vec<String> = numbers
                .map(|number| {
                    let user = number % USERS;
                    format!(
                        "{{\"type\":\"identify\",\"userId\":\"user-{user}\",\"traits\":{{\"last\":{number},\"n{number}\":{number}}}}}"
                    )
                })
                .collect();
            let body = format!("{{\"batch\":[{}]}}", events.join(","));
            let reply = client.post("/v1/batch", body.as_bytes()).unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        self.sent += count;
    }

    /// What every user must have.
    fn expected(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut users: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for number in 0..self.sent {
            let fields = users.entry(format!("user-{}", number % USERS)).or_default();
            fields.insert("last".to_owned(), number.to_string());
            fields.insert(format!("n{number}"), number.to_string());
        }
        users
    }

    /// Waits until the server has everything again and says so.
    fn wait_until_whole(&self, server: &Server, node: &Node) {
        eventually("Redis to have everything again", || {
            (found(node) == self.sent).then_some(())
        });
        eventually("the server to be ready again", || {
            server.ready().text().contains("\"ready\"").then_some(())
        });
        server.settle("profiles");
        for (user, fields) in self.expected() {
            assert_eq!(profile(node, &user), fields, "{user}");
        }
        assert_balanced(server);
    }
}

/// How many events a Redis has.
fn found(node: &Node) -> usize {
    let users = 0..USERS;
    let fields = users.map(|user| profile(node, &format!("user-{user}")).len());
    fields.map(|fields| fields.saturating_sub(1)).sum()
}

fn profile(node: &Node, user: &str) -> BTreeMap<String, String> {
    let said = node.cli(&["-c", "HGETALL", &format!("user:{user}")]);
    let lines: Vec<&str> = said.lines().collect();
    let pairs = lines.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
        .collect()
}

fn tables(lines: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\n{lines}\n"
    )
}

fn start(node: &Node) -> Server {
    start_with(node, "")
}

fn start_with(node: &Node, settings: &str) -> Server {
    let address = format!("address = \"{}\"\n{settings}", node.address());
    Server::with(&tables(&address))
}

fn count(server: &Server, name: &str) -> u64 {
    let name = format!("kenwell_destination_{name}");
    metric(&server.metrics(), &name, "destination=\"profiles\"")
}

fn assert_balanced(server: &Server) {
    let overview = server.ask("GET", "/api/v1/overview", "").text();
    assert!(overview.contains("\"balanced\":true"), "{overview}");
}

/// The keys of all markers in a Redis.
fn markers(node: &Node) -> Vec<String> {
    let keys = node.cli(&["KEYS", "kenwell:applied:*"]);
    keys.lines().map(str::to_owned).collect()
}

/// Waits until what was delivered is marked: the marker says how much the journal has.
fn wait_for_marker(server: &Server, node: &Node, sent: usize) {
    server.settle("profiles");
    eventually("the marker", || {
        // Another Kenwell on the same Redis has a marker of its own.
        let position = |key: &String| node.cli(&["HGET", key, "position"]);
        let is_there = |key: &String| position(key) == sent.to_string();
        markers(node).iter().any(is_there).then_some(())
    });
}

fn wait_for_log(server: &Server, words: &str) {
    eventually(words, || server.log().contains(words).then_some(()));
}
