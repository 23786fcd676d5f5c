//! A process that was frozen for longer than its limits reads first what came meanwhile.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kenwell::connection::{Connection, Settings};
use kenwell::state::values;

use super::order::begin;
use super::values::write;
use crate::support::cluster::eventually;
use crate::support::link::{Flow, Link};
use crate::support::server::Server;

/// Names the server for the process that is frozen: this test, started once more.
const ADDRESS: &str = "KENWELL_TEST_FROZEN_ADDRESS";

/// What a call may take; it is frozen within that.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_reply_that_came_while_the_process_was_frozen_is_no_timeout() {
    if let Ok(address) = std::env::var(ADDRESS) {
        return be_frozen(&address);
    }
    let server = Server::start(&[]);
    let link = Link::before(&server.address());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "frozen::a_reply_that_came_while_the_process_was_frozen_is_no_timeout",
        ])
        .env(ADDRESS, link.address())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    };
    await_key(&server, "ready", &mut child);
    link.let_flow(Flow::Carry, Flow::Hold);
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    // All of its calls are under way when the last of them was executed.
    await_key(&server, "last", &mut child);
    signal("-STOP");
    link.let_flow(Flow::Carry, Flow::Carry);
    std::thread::sleep(LIMIT + Duration::from_secs(1));
    signal("-CONT");
    let ended = eventually("the end of the process", || child.try_wait().unwrap());
    assert!(ended.success());
}

/// Waits until the process has stored this.
fn await_key(server: &Server, key: &str, process: &mut Child) {
    eventually(key, || {
        let ended = process.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it stored `{key}`");
        (server.cli(&["GET", key]) == "1").then_some(())
    });
}

fn be_frozen(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let mut settings = Settings::new(address);
    settings.command_timeout = LIMIT;
    runtime.block_on(async {
        let connection = Connection::new(settings).unwrap();
        values::store(&connection, &[write("ready", "1")])
            .await
            .unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
        let calls = [[write("a", "1")], [write("last", "1")]];
        let mut under_way = Vec::new();
        for call in &calls {
            under_way.push(begin(values::store(&connection, call)).await);
        }
        for call in under_way {
            call.await.unwrap();
        }
    });
}
