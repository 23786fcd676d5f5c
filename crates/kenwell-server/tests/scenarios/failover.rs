//! A master that dies under load, behind Sentinels and in a cluster: what got 200 is in Redis
//! afterwards, but for what the dead master had confirmed and not passed on, and that is told.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use crate::support::{Client, Cluster, Node, Sentinels, Server, eventually, metric};

const USERS: usize = 8;

/// What each user's sender has got 200 for.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    acked: [AtomicU64; USERS],
}

impl Load {
    /// Sends numbered identifies for one user. Each has a field that always changes, and one of its
    /// own that nothing overwrites.
    fn send(&self, gateway: &str, user: usize) {
        let mut client = Client::connect(gateway);
        for number in 1.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let event = format!(
                "{{\"userId\":\"user-{user}\",\"traits\":{{\"last\":{number},\"n{number}\":{number}}}}}"
            );
            let reply = client.post("/v1/identify", event.as_bytes()).unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
            self.acked[user].store(number, Ordering::SeqCst);
        }
    }

    fn acked(&self) -> [u64; USERS] {
        std::array::from_fn(|user| self.acked[user].load(Ordering::SeqCst))
    }

    fn wait_for(&self, more: u64) {
        let goal = self.acked().iter().sum::<u64>() + more;
        eventually("the gateway to go on answering 200", || {
            (self.acked().iter().sum::<u64>() >= goal).then_some(())
        });
    }
}

/// Sends while a master is lost, and until a while after another one took its place. Gives what got
/// 200 before the master was gone, and in all.
fn lose_under_load(
    server: &Server,
    lose: impl FnOnce(),
    is_replaced: impl Fn() -> bool,
) -> ([u64; USERS], [u64; USERS]) {
    let load = Load::default();
    let before = thread::scope(|scope| {
        for user in 0..USERS {
            let load = &load;
            scope.spawn(move || load.send(&server.gateway, user));
        }
        load.wait_for(400);
        lose();
        let before = load.acked();
        eventually("the outage to show", || {
            let ready = server.ready().text();
            (ready.contains("waiting") || is_replaced()).then_some(())
        });
        eventually("another master", || is_replaced().then_some(()));
        load.wait_for(400);
        load.stop.store(true, Ordering::SeqCst);
        before
    });
    server.settle("profiles");
    let accepted: u64 = load.acked().iter().sum();
    let written = metric(
        &server.metrics(),
        "kenwell_destination_written_total",
        "destination=\"profiles\"",
    );
    assert_eq!(written, accepted, "I5");
    (before, load.acked())
}

/// What a user lacks is the end of what the dead master had confirmed: in one piece, sent before its
/// death, and never the latest value.
fn check(user: usize, fields: &BTreeMap<String, String>, before: u64, acked: u64) -> usize {
    assert_eq!(fields["last"], acked.to_string(), "user-{user}");
    let lacks = |number: &u64| !fields.contains_key(&format!("n{number}"));
    let lost: Vec<u64> = (1..=acked).filter(lacks).collect();
    if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
        assert_eq!(lost, (*first..=*last).collect::<Vec<_>>(), "user-{user}");
        // One more may have been under way when the master died.
        assert!(
            *last <= before + 1,
            "user-{user} lost {last}, sent after {before}"
        );
    }
    lost.len()
}

fn profile(node: &Node, user: usize) -> BTreeMap<String, String> {
    let key = format!("user:user-{user}");
    let said = node.cli(&["-c", "HGETALL", &key]);
    let lines: Vec<&str> = said.lines().collect();
    let pairs = lines.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
        .collect()
}

fn report(node: &Node, before: [u64; USERS], acked: [u64; USERS]) {
    let lost: usize = (0..USERS)
        .map(|user| check(user, &profile(node, user), before[user], acked[user]))
        .sum();
    let sent: u64 = acked.iter().sum();
    eprintln!("of {sent} events that got 200, Redis lost {lost} that it had confirmed");
}

fn destination(lines: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\n{lines}\n"
    )
}

#[test]
fn a_master_that_dies_behind_sentinels_costs_only_what_redis_loses() {
    let mut sentinels = Sentinels::start("");
    let server = Server::with(&destination(&format!(
        "sentinel_master = \"mymaster\"\naddress = \"{}\"",
        sentinels.settings().address
    )));
    let mut servers = sentinels.servers.drain(..);
    let (mut master, replica) = (servers.next().unwrap(), servers.next().unwrap());
    drop(servers);
    let promoted = || replica.cli(&["ROLE"]).starts_with("master");
    let (before, acked) = lose_under_load(&server, || master.kill(), promoted);
    report(&replica, before, acked);
    assert!(server.ready().text().contains("\"ready\""));
}

#[test]
fn a_master_that_dies_in_a_cluster_costs_only_what_redis_loses() {
    let mut cluster = Cluster::start();
    let server = Server::with(&destination(&format!(
        "cluster_mode = true\naddress = \"{}\"",
        cluster.settings().address
    )));
    let victim = cluster.master_of("user:user-0");
    let mut master = cluster.nodes.remove(victim);
    // The replicas follow the masters, in the same order; one master is not in the list any more.
    let replica = &cluster.nodes[victim + 2];
    let promoted = || replica.cli(&["ROLE"]).starts_with("master");
    let (before, acked) = lose_under_load(&server, || master.kill(), promoted);
    report(replica, before, acked);
    assert!(server.ready().text().contains("\"ready\""));
}
