//! A master that dies under load, behind Sentinels and in a cluster: what got 200 is in Redis
//! afterwards, also what the dead master had confirmed and not passed on.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use crate::support::{Client, Cluster, MASTERS, Node, Sentinels, Server, eventually, metric};

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

/// Sends while a master is lost, and until a while after another one took its place. Gives what got 200.
fn lose_under_load(
    server: &Server,
    lose: impl FnOnce(),
    is_replaced: impl Fn() -> bool,
) -> [u64; USERS] {
    let load = Load::default();
    thread::scope(|scope| {
        for user in 0..USERS {
            let load = &load;
            scope.spawn(move || load.send(&server.gateway, user));
        }
        load.wait_for(400);
        lose();
        eventually("the outage to show", || {
            let ready = server.ready().text();
            (ready.contains("waiting") || is_replaced()).then_some(())
        });
        eventually("another master", || is_replaced().then_some(()));
        load.wait_for(400);
        load.stop.store(true, Ordering::SeqCst);
    });
    load.acked()
}

/// Nothing is missing in the end, nothing is old, and every event has its outcome.
fn check(server: &Server, node: &Node, acked: [u64; USERS]) {
    for (user, acked) in acked.into_iter().enumerate() {
        eventually("what the dead master had not passed on", || {
            let fields = profile(node, user);
            let mut numbers = 1..=acked;
            numbers
                .all(|number| fields.contains_key(&format!("n{number}")))
                .then_some(())
        });
    }
    eventually("the server to be ready", || {
        server.ready().text().contains("\"ready\"").then_some(())
    });
    let count = |page: &str, name: &str| {
        let name = format!("kenwell_destination_{name}_total");
        metric(page, &name, "destination=\"profiles\"")
    };
    eventually("every event to have its outcome", || {
        let page = server.metrics();
        let accepted = acked.iter().sum::<u64>() + count(&page, "replayed");
        (count(&page, "written") == accepted).then_some(())
    });
    for (user, acked) in acked.into_iter().enumerate() {
        let last = profile(node, user)["last"].clone();
        assert_eq!(last, acked.to_string(), "user-{user}");
    }
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

fn is_master(node: &Node) -> bool {
    node.cli(&["ROLE"]).starts_with("master")
}

fn destination(lines: &str) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\n{lines}\n"
    )
}

#[test]
fn a_master_that_dies_behind_sentinels_costs_nothing() {
    let mut sentinels = Sentinels::start();
    let server = Server::with(&destination(&format!(
        "sentinel_master = \"mymaster\"\naddress = \"{}\"",
        sentinels.settings().address
    )));
    let mut servers = sentinels.servers.drain(..);
    let (mut master, replica) = (servers.next().unwrap(), servers.next().unwrap());
    drop(servers);
    let promoted = || is_master(&replica);
    let lose = || {
        sentinels.let_fail();
        master.kill();
    };
    let acked = lose_under_load(&server, lose, promoted);
    check(&server, &replica, acked);
}

#[test]
fn a_master_that_dies_in_a_cluster_costs_nothing() {
    let cluster = Cluster::start();
    let server = Server::with(&destination(&format!(
        "cluster_mode = true\naddress = \"{}\"",
        cluster.settings().address
    )));
    let victim = cluster.master_of("user:user-0");
    let cluster = RefCell::new(cluster);
    let replica = victim + MASTERS;
    let promoted = || is_master(&cluster.borrow().nodes[replica]);
    let lose = || {
        let mut cluster = cluster.borrow_mut();
        cluster.let_fail(victim);
        cluster.nodes[victim].kill();
    };
    let acked = lose_under_load(&server, lose, promoted);
    check(&server, &cluster.borrow().nodes[replica], acked);
}
