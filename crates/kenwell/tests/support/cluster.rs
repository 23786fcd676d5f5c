//! A real Redis Cluster: three masters with a replica each, on free ports, gone afterwards.

use std::time::{Duration, Instant};

use kenwell::connection::{Connection, Settings};

use super::flavour::Flavour;
use super::server::{Server, free_port};

/// How long a change may take to be known everywhere.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many masters there are; as many replicas follow them in `nodes`.
pub const MASTERS: usize = 3;

/// Nobody is given up who does not answer for a while, as on a busy machine.
const CALM: &str = "60000";

/// A failover takes seconds, and servers that find together do so soon.
const HASTY: &str = "1000";

pub struct Cluster {
    pub nodes: Vec<Server>,
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One node that is in no cluster yet.
pub fn node(options: &[&str]) -> Server {
    node_of(Flavour::Redis, options)
}

fn node_of(flavour: Flavour, options: &[&str]) -> Server {
    let bus = free_port().to_string();
    let mut all = vec!["--cluster-enabled", "yes", "--cluster-port", &bus];
    all.extend(["--cluster-node-timeout", HASTY]);
    // Until a test wants it, see `let_fail`; then also where the link to the master was down for long.
    all.extend(["--cluster-replica-no-failover", "yes"]);
    all.extend(["--cluster-replica-validity-factor", "0"]);
    all.extend(options);
    Server::of(flavour, &all)
}

impl Cluster {
    pub fn start() -> Self {
        Self::of(Flavour::Redis)
    }

    /// The same with another program.
    pub fn of(flavour: Flavour) -> Self {
        Self::with(flavour, &[])
    }

    /// The same with further options for each node.
    pub fn with(flavour: Flavour, options: &[&str]) -> Self {
        let nodes: Vec<Server> = (0..2 * MASTERS)
            .map(|_| node_of(flavour, options))
            .collect();
        let cluster = Self { nodes };
        let first = &cluster.nodes[0];
        for (index, node) in cluster.nodes.iter().enumerate() {
            let epoch = (index + 1).to_string();
            assert_eq!(node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]), "OK");
            meet(first, node);
        }
        for (index, master) in cluster.nodes.iter().take(MASTERS).enumerate() {
            let (start, end) = (index * 16_384 / MASTERS, (index + 1) * 16_384 / MASTERS - 1);
            let (start, end) = (start.to_string(), end.to_string());
            assert_eq!(
                master.cli(&["CLUSTER", "ADDSLOTSRANGE", &start, &end]),
                "OK"
            );
        }
        for index in MASTERS..2 * MASTERS {
            let [replica, master] = [index, index - MASTERS].map(|at| &cluster.nodes[at]);
            let follow = ["CLUSTER", "REPLICATE", &id(master)];
            eventually("the replica to know its master", || {
                let follows = replica.cli(&follow) == "OK";
                if !follows {
                    // Who did not answer in time is forgotten.
                    meet(first, master);
                    meet(first, replica);
                }
                follows.then_some(())
            });
        }
        eventually("the cluster to be whole", || {
            cluster.nodes.iter().all(knows_all).then_some(())?;
            cluster.set_node_timeout(CALM);
            // Who was given up meanwhile is soon taken back, but not by the calm.
            let is_whole = cluster.nodes.iter().all(knows_all);
            if !is_whole {
                cluster.set_node_timeout(HASTY);
            }
            is_whole.then_some(())
        });
        cluster
    }

    fn set_node_timeout(&self, milliseconds: &str) {
        for node in &self.nodes {
            let set = ["CONFIG", "SET", "cluster-node-timeout", milliseconds];
            assert_eq!(node.cli(&set), "OK");
        }
    }

    /// From now on nodes are given up after a second, and the replica of this master, and no other, takes its place.
    pub fn let_fail(&self, master: usize) {
        let replica = &self.nodes[master + MASTERS];
        let allow = ["CONFIG", "SET", "cluster-replica-no-failover", "no"];
        assert_eq!(replica.cli(&allow), "OK");
        self.set_node_timeout(HASTY);
    }

    /// From now on nobody is given up any more.
    pub fn be_calm(&self) {
        self.set_node_timeout(CALM);
    }

    /// Adds a master without slots, and gives its index.
    pub fn add(&mut self) -> usize {
        let new = node(&[]);
        meet(&self.nodes[0], &new);
        self.nodes.push(new);
        self.be_calm();
        let count = self.nodes.len().to_string();
        eventually("every node to know the new one", || {
            let knows = |node: &Server| {
                let info = node.cli(&["CLUSTER", "INFO"]);
                let known = format!("cluster_known_nodes:{count}");
                info.contains(&known) && info.contains("cluster_state:ok")
            };
            self.nodes.iter().all(knows).then_some(())
        });
        self.nodes.len() - 1
    }

    /// Takes the last node out of the cluster, and ends it.
    pub fn remove_last(&mut self) {
        let gone = self.nodes.pop().unwrap();
        let name = id(&gone);
        for node in &self.nodes {
            assert_eq!(node.cli(&["CLUSTER", "FORGET", &name]), "OK");
        }
    }

    /// Settings with every node as a seed.
    pub fn settings(&self) -> Settings {
        let addresses: Vec<_> = self.nodes.iter().map(Server::address).collect();
        let mut settings = Settings::new(addresses.join(", "));
        settings.cluster_mode = true;
        settings.command_timeout = PATIENCE;
        settings.connect_timeout = PATIENCE;
        settings
    }

    pub fn connection(&self) -> Connection {
        Connection::new(self.settings()).unwrap()
    }

    /// The index of the first master that has this key's slot.
    pub fn master_of(&self, key: &str) -> usize {
        // A replica, because tests kill masters.
        let slot: usize = self.nodes[MASTERS]
            .cli(&["CLUSTER", "KEYSLOT", key])
            .parse()
            .unwrap();
        (0..MASTERS)
            .find(|index| slot < (index + 1) * 16_384 / MASTERS)
            .unwrap()
    }

    /// Begins to move a key's slot: from now on its keys are on one side or the other.
    pub fn begin_to_move(&self, key: &str, to: usize) -> Migration<'_> {
        self.begin_to_move_from(self.master_of(key), key, to)
    }

    /// The same when the slot is not where it was at the start.
    pub fn begin_to_move_from(&self, from: usize, key: &str, to: usize) -> Migration<'_> {
        let slot = self.nodes[0].cli(&["CLUSTER", "KEYSLOT", key]);
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let importing = ["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)];
        assert_eq!(to.cli(&importing), "OK");
        let migrating = ["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)];
        assert_eq!(from.cli(&migrating), "OK");
        loop {
            let keys = from.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]);
            if keys.is_empty() {
                break;
            }
            for key in keys.lines() {
                let migrate = ["MIGRATE", "127.0.0.1", &port(to), key, "0", "5000"];
                assert_eq!(from.cli(&migrate), "OK");
            }
        }
        Migration { from, to, slot }
    }
}

/// A slot that is half-way.
pub struct Migration<'a> {
    from: &'a Server,
    to: &'a Server,
    slot: String,
}

impl Migration<'_> {
    /// Gives the slot to its new node.
    pub fn finish(self) {
        let target = id(self.to);
        let set = ["CLUSTER", "SETSLOT", &self.slot, "NODE", &target];
        assert_eq!(self.to.cli(&set), "OK");
        let said = self.from.cli(&set);
        // Who hears that the last slot is gone before being told follows the new owner at once.
        assert!(
            said == "OK" || said.contains("SETSLOT only with masters"),
            "{said}"
        );
    }
}

/// Makes a node known to this one, and so to all that it knows.
fn meet(first: &Server, node: &Server) {
    let bus = node.cli(&["CONFIG", "GET", "cluster-port"]);
    let (bus, port) = (bus.lines().last().unwrap(), port(node));
    let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, bus];
    assert_eq!(first.cli(&meet), "OK");
}

fn id(node: &Server) -> String {
    node.cli(&["CLUSTER", "MYID"])
}

fn port(node: &Server) -> String {
    let address = node.address();
    address.rsplit_once(':').unwrap().1.to_owned()
}

/// Whether a node sees every slot served, every replica linked, and nobody failing.
fn knows_all(node: &Server) -> bool {
    let nodes = node.cli(&["CLUSTER", "NODES"]);
    let has_flag = |line: &str, flag: &str| {
        let flags = line.split(' ').nth(2).unwrap_or_default();
        flags.split(',').any(|it| it.trim_end_matches('?') == flag)
    };
    let replicas = nodes.lines().filter(|line| has_flag(line, "slave"));
    let fails = nodes.lines().any(|line| has_flag(line, "fail"));
    let linked = !node
        .cli(&["INFO", "replication"])
        .contains("link_status:down");
    let state = node.cli(&["CLUSTER", "INFO"]);
    state.contains("cluster_state:ok") && linked && !fails && replicas.count() == MASTERS
}
