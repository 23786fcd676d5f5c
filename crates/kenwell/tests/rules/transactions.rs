//! A writer writes what is usual in transactions, and leaves exactly what the script would have left.

use std::collections::BTreeMap;

use kenwell::connection::{Connection, Secret};
use kenwell::profile::{self, Layout, Nested, NullTraits, ProfileUpdate, Writer};
use serde_json::json;

use crate::model::{self, BY_TIME, Event, START};
use crate::random::Random;
use crate::support::cluster::Cluster;
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::proxy::{Act, Proxy, is};
use crate::support::sentinels::Sentinels;
use crate::support::server::Server;

const FLAVOURS: [Flavour; 4] = [
    Flavour::Redis,
    Flavour::Redis62,
    Flavour::Redis82,
    Flavour::Valkey,
];

/// More than one transaction takes.
const USERS: u64 = 200;

fn layout() -> Layout {
    model::layout(BY_TIME, NullTraits::Delete, Nested::Merge)
}

/// One event of each user, at this time, with this value.
fn round(time: u64, value: &str) -> Vec<ProfileUpdate> {
    let users = 0..USERS;
    users
        .map(|user| {
            let Some(traits) = json!({"a": value, "b": time}).as_object().cloned() else {
                panic!("no object")
            };
            let event = Event {
                user: format!("u{user}"),
                happened_ms: START + time,
                received_ms: START + time,
                offset: time,
                traits,
            };
            event.update(&layout())
        })
        .collect()
}

async fn write(writer: &mut Writer, updates: &[ProfileUpdate]) {
    for result in writer.attempt(updates).await {
        result.unwrap();
    }
}

/// A writer that has written once, through a proxy.
async fn writer_behind_proxy(server: &Server) -> (Proxy, Writer) {
    let proxy = Proxy::before(&server.address());
    let mut settings = server.settings();
    settings.address = proxy.address();
    let mut writer = Writer::new(Connection::new(settings).unwrap());
    write(&mut writer, &round(1, "first")).await;
    (proxy, writer)
}

/// How often a server was given these commands since it was last asked.
fn calls<const COUNT: usize>(server: &Server, names: [&str; COUNT]) -> [u64; COUNT] {
    let stats = server.cli(&["INFO", "commandstats"]);
    server.cli(&["CONFIG", "RESETSTAT"]);
    names.map(|name| {
        let start = format!("cmdstat_{name}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&start));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    })
}

/// Everything that is stored but for the number that only says when clocks were cleaned up.
async fn stored(connection: &Connection, users: &[String]) -> Vec<Stored> {
    let mut all = Vec::new();
    for user in users {
        let clocks = profile::read_clocks(connection, &Layout::default().key(user)).await;
        let clocks = clocks.unwrap().map(|bytes| bytes[3..].to_vec());
        all.push((fields(connection, user).await, clocks));
    }
    all
}

type Stored = (BTreeMap<String, String>, Option<Vec<u8>>);

#[tokio::test]
async fn what_is_usual_takes_no_script_and_what_is_not_takes_nothing_else() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let mut writer = Writer::new(server.connection());
        let mut asked = async |updates: &[ProfileUpdate]| {
            write(&mut writer, updates).await;
            calls(&server, ["exec", "evalsha", "eval"])
        };
        // One transaction is a trial, two have all users.
        assert_eq!(asked(&round(1, "first")).await, [3, 0, 0], "{flavour:?}");
        assert_eq!(asked(&round(2, "newer")).await, [3, 0, 0], "{flavour:?}");
        let [trial, by_hash, by_text] = asked(&round(1, "late")).await;
        assert_eq!((trial, by_text), (1, 1), "{flavour:?}");
        assert!(by_hash >= USERS - 1, "{flavour:?}");
        assert_eq!(fields(&server.connection(), "u7").await["a"], "newer");
        assert_eq!(asked(&round(3, "newest")).await, [3, 0, 0], "{flavour:?}");
        let few = &round(4, "few")[..10];
        assert_eq!(asked(few).await, [0, 10, 0], "{flavour:?}");
        assert_eq!(fields(&server.connection(), "u7").await["a"], "few");
        assert_eq!(fields(&server.connection(), "u70").await["a"], "newest");
    }
}

#[tokio::test]
async fn it_leaves_what_the_script_leaves() {
    for flavour in FLAVOURS {
        let servers = [Server::of(flavour, &[]), Server::of(flavour, &[])];
        let [one, other] = servers.each_ref().map(Server::connection);
        let mut writer = Writer::new(one.clone());
        let mut random = Random(7);
        let users: Vec<_> = (0..40).map(|user| format!("u{user}")).collect();
        for round in 0..30 {
            let mut updates = Vec::new();
            for user in &users {
                let mut event = match round % 3 {
                    0 => random.event(user),
                    _ => random.usual_event(user),
                };
                event.offset += 8 * round;
                event.happened_ms += round;
                updates.push(event.update(&layout()));
            }
            // Somebody else deletes a profile now and then.
            let gone = format!("user:u{}", random.below(40));
            for server in &servers {
                server.cli(&["DEL", &gone]);
            }
            write(&mut writer, &updates).await;
            for result in profile::apply(&other, &updates).await {
                result.unwrap();
            }
            let (here, there) = (stored(&one, &users).await, stored(&other, &users).await);
            for (user, (here, there)) in users.iter().zip(here.iter().zip(&there)) {
                assert_eq!(here, there, "{flavour:?}, round {round}, {user}");
            }
        }
        assert!(calls(&servers[0], ["exec"])[0] > 30, "{flavour:?}");
    }
}

/// Two writers at once, over connections of their own: one profile, whoever comes in between.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_none_overwrites_what_is_newer() {
    let server = Server::start(&[]);
    let users: Vec<_> = (0..32).map(|user| format!("u{user}")).collect();
    let mut random = Random(11);
    let mut shares = [Vec::new(), Vec::new()];
    let mut events = Vec::new();
    for round in 0..300 {
        for share in &mut shares {
            let batch = users.iter().map(|user| {
                let mut event = random.usual_event(user);
                event.happened_ms += round;
                event
            });
            let batch: Vec<_> = batch.collect();
            events.extend(batch.clone());
            share.push(
                batch
                    .iter()
                    .map(|it| it.update(&layout()))
                    .collect::<Vec<_>>(),
            );
        }
    }
    let tasks = shares.map(|share| {
        let mut writer = Writer::new(server.connection());
        tokio::spawn(async move {
            for batch in &share {
                write(&mut writer, batch).await;
            }
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    for user in &users {
        let own: Vec<_> = events
            .iter()
            .filter(|it| it.user == *user)
            .cloned()
            .collect();
        let expected = model::profile(&own, &layout().rules);
        assert_eq!(fields(&server.connection(), user).await, expected, "{user}");
    }
    assert!(calls(&server, ["exec"])[0] >= 4);
}

/// What a writer sends late, frozen or in buffers on the way, overwrites nothing: not even what was read before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_comes_late_does_not_take_place() {
    let server = Server::start(&[]);
    let (proxy, mut late) = writer_behind_proxy(&server).await;
    let mut begun = 0;
    proxy.rule(move |command| {
        // The first is a trial.
        begun += u32::from(is(command, "MULTI"));
        let is_it = is(command, "MULTI") && begun == 2;
        if is_it { Act::Hold } else { Act::Pass }
    });
    let sending = tokio::spawn(async move { late.attempt(&round(2, "held back")).await });
    while proxy.held() == 0 {
        tokio::task::yield_now().await;
    }
    let mut other = Writer::new(server.connection());
    write(&mut other, &round(3, "newer")).await;
    proxy.release();
    for result in sending.await.unwrap() {
        result.unwrap();
    }
    for user in ["u0", "u127", "u128", "u199"] {
        assert_eq!(
            fields(&server.connection(), user).await["a"],
            "newer",
            "{user}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_costs_nothing() {
    for cut in ["MULTI", "EXEC", "WATCH", "MGET"] {
        let server = Server::start(&[]);
        let (proxy, mut writer) = writer_behind_proxy(&server).await;
        let mut seen = 0;
        proxy.rule(move |command| {
            seen += u32::from(is(command, cut));
            let is_it = is(command, cut) && seen == 2;
            if is_it { Act::CutBefore } else { Act::Pass }
        });
        write(&mut writer, &round(2, "second")).await;
        for user in ["u0", "u127", "u128", "u199"] {
            let stored = fields(&server.connection(), user).await;
            assert_eq!(
                (&*stored["a"], &*stored["b"]),
                ("second", "2"),
                "{cut} {user}"
            );
        }
    }
}

#[tokio::test]
async fn something_else_at_a_profiles_key_is_told_each_time() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let mut writer = Writer::new(server.connection());
        write(&mut writer, &round(1, "first")).await;
        server.cli(&["SET", "user:u7", "text"]);
        server.cli(&["DEL", "user:u8"]);
        server.cli(&["LPUSH", "user:u8", "text"]);
        server.cli(&["DEL", "kenwell:clocks:{user:u8}"]);
        for attempt in 0..3 {
            let results = writer.attempt(&round(2, "second")).await;
            for (user, result) in results.iter().enumerate() {
                let says = result.as_ref().err().map(ToString::to_string);
                let is_told = says.is_some_and(|says| says.contains("WRONGTYPE"));
                let is_wrong = [7, 8].contains(&user);
                assert_eq!(
                    is_told, is_wrong,
                    "{flavour:?} {attempt} {user}: {result:?}"
                );
            }
        }
        assert_eq!(server.cli(&["GET", "user:u7"]), "text");
        assert_eq!(fields(&server.connection(), "u9").await["a"], "second");
    }
}

/// Without `MULTI` the commands of a transaction would be executed one by one, whatever has happened.
#[tokio::test]
async fn where_the_server_does_not_allow_it_the_script_writes() {
    for right in ["multi", "exec", "watch", "mget", "setrange"] {
        let server = Server::start(&[]);
        let allowed = format!("ACL SETUSER u on >p ~* +@all -{right}");
        assert_eq!(server.command(&allowed), "+OK");
        let mut settings = server.settings();
        settings.username = Some("u".to_owned());
        settings.password = Some(Secret::new("p"));
        let mut writer = Writer::new(Connection::new(settings).unwrap());
        // Nothing is set that was not asked for, and what was refused is not asked for again. In the first round there is
        // nothing to change in place.
        for (time, most) in [(1, 2), (2, 2), (3, 0)] {
            write(&mut writer, &round(time, "written")).await;
            let [tried, set] = calls(&server, ["watch", "set"]);
            assert!(tried <= most, "{right} {time}: {tried}");
            assert_eq!(set, USERS, "{right} {time}");
        }
        let stored = fields(&server.connection(), "u9").await;
        assert_eq!(stored["b"], "3", "{right}");
    }
}

#[tokio::test]
async fn clocks_that_expire_go_on_to_do_so() {
    let server = Server::start(&[]);
    let mut writer = Writer::new(server.connection());
    write(&mut writer, &round(1, "first")).await;
    for key in ["user:u7", "kenwell:clocks:{user:u7}"] {
        server.cli(&["PEXPIRE", key, "500000"]);
    }
    write(&mut writer, &round(2, "second")).await;
    for key in ["user:u7", "kenwell:clocks:{user:u7}"] {
        let left: u64 = server.cli(&["PTTL", key]).parse().unwrap();
        assert!(left > 1_000, "{key}");
    }
    assert_eq!(calls(&server, ["evalsha"]), [0]);
}

#[tokio::test]
async fn in_a_cluster_the_script_writes() {
    let cluster = Cluster::start();
    let connection = Connection::new(cluster.settings()).unwrap();
    let mut writer = Writer::new(connection.clone());
    for time in 1..3 {
        write(&mut writer, &round(time, "written")).await;
    }
    assert_eq!(fields(&connection, "u9").await["b"], "2");
    for node in &cluster.nodes {
        assert_eq!(calls(node, ["watch"]), [0]);
    }
}

#[tokio::test]
async fn behind_sentinels_they_go_to_the_master() {
    let sentinels = Sentinels::start();
    let mut writer = Writer::new(Connection::new(sentinels.settings()).unwrap());
    for time in 1..3 {
        write(&mut writer, &round(time, "written")).await;
    }
    let connection = Connection::new(sentinels.settings()).unwrap();
    assert_eq!(fields(&connection, "u9").await["b"], "2");
    assert!(calls(&sentinels.servers[0], ["exec"])[0] >= 3);
}
