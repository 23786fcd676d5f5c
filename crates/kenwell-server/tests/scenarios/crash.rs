//! `kill -9` and a Redis that comes and goes: what got 200 is in Redis afterwards, in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use crate::support::{Client, PATIENCE, Redis, Server, eventually};

const USERS: usize = 8;
const ROUNDS: u64 = 20;

/// Sends identifies for one user, numbered from where it left off, until told to stop or cut off.
/// Gives the highest number that got 200.
fn load(
    address: String,
    user: usize,
    from: u64,
    stop: &Arc<AtomicBool>,
    acked: &Arc<AtomicU64>,
) -> JoinHandle<u64> {
    let (stop, acked) = (Arc::clone(stop), Arc::clone(acked));
    std::thread::spawn(move || {
        let mut client = Client::connect(&address);
        let mut last = from;
        while !stop.load(Ordering::Relaxed) {
            let number = last + 1;
            // Two fields per event: one that always changes, one of its own that nothing overwrites.
            let event = format!(
                "{{\"userId\":\"user-{user}\",\"traits\":{{\"last\":{number},\"n{number}\":{number}}}}}"
            );
            match client.post("/v1/identify", event.as_bytes()) {
                Some(reply) => assert_eq!(reply.status, 200, "{}", reply.text()),
                None => break,
            }
            last = number;
            acked.fetch_add(1, Ordering::Relaxed);
        }
        last
    })
}

#[track_caller]
fn assert_whole(redis: &Redis, user: usize, acked: u64) {
    let last = last_of_whole(redis, user, acked).unwrap();
    // An event may be stored although its 200 never arrived; never the other way round.
    assert!(
        last >= acked,
        "user-{user}: {acked} got 200, {last} is in Redis"
    );
}

/// The last event of a user who lacks none of those that got 200.
fn last_of_whole(redis: &Redis, user: usize, acked: u64) -> Result<u64, String> {
    let fields = redis.fields(&format!("user:user-{user}"));
    for number in 1..=acked {
        if fields.get(&format!("n{number}")) != Some(&number.to_string()) {
            return Err(format!("user-{user} lost event {number}"));
        }
    }
    assert!(fields.len() as u64 > acked);
    Ok(fields["last"].parse().unwrap())
}

#[test]
fn i1_what_got_200_survives_kill_9_twenty_times() {
    let redis = Redis::start();
    let mut server = Server::start(&redis);
    let mut acked = [0; USERS];
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicU64::new(0));
        let senders: Vec<_> = (0..USERS)
            .map(|user| load(server.gateway.clone(), user, acked[user], &stop, &count))
            .collect();
        // A different moment each round, counted in events so that slow machines see load too.
        let moment = 20 + (round * 7_919) % 400;
        eventually("some load", || {
            (count.load(Ordering::Relaxed) >= moment).then_some(())
        });
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for (user, sender) in senders.into_iter().enumerate() {
            acked[user] = sender.join().unwrap();
        }
        server.restart();
        server.settle("profiles");
        for (user, acked) in acked.iter().enumerate() {
            assert_whole(&redis, user, *acked);
        }
    }
}

#[test]
fn a_redis_that_is_killed_under_load_costs_nothing() {
    let mut redis = Redis::start();
    let server = Server::start(&redis);
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..USERS)
        .map(|user| load(server.gateway.clone(), user, 0, &stop, &count))
        .collect();
    for outage in 1..=3_u64 {
        let until = |more: u64| {
            let goal = count.load(Ordering::Relaxed) + more;
            eventually("the gateway to go on answering 200", || {
                (count.load(Ordering::Relaxed) >= goal).then_some(())
            });
        };
        until(200);
        redis.kill();
        until(200 * outage);
        let ready = eventually("the outage to show", || {
            Some(server.ready()).filter(|ready| ready.text().contains("waiting"))
        });
        assert!(
            ready.status == 200 && ready.text().contains("degraded"),
            "{}",
            ready.text()
        );
        redis.restart();
        until(200);
    }
    stop.store(true, Ordering::Relaxed);
    let acked: Vec<u64> = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .collect();
    server.settle("profiles");
    // I3: the last event of each user must win. A Redis that was killed may have lost something, which it gets
    // again: then its profiles go back for a moment.
    eventually("everything to be whole and well", || {
        let mut users = acked.iter().enumerate();
        let whole = users.all(|(user, acked)| last_of_whole(&redis, user, *acked) == Ok(*acked));
        (whole && server.ready().text().contains("\"ready\"")).then_some(())
    });
}

#[test]
fn i2_what_waits_for_redis_survives_a_restart_of_the_server() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    redis.kill();
    let mut client = Client::connect(&server.gateway);
    for number in 1..=500 {
        let event = format!(
            "{{\"userId\":\"user-0\",\"traits\":{{\"last\":{number},\"n{number}\":{number}}}}}"
        );
        client.identify(&event);
    }
    drop(client);
    server.kill();
    server.restart();
    let page = server.metrics();
    assert!(
        page.contains("kenwell_destination_queued{destination=\"profiles\"} 500"),
        "{page}"
    );
    let stopped = std::time::Instant::now();
    assert_eq!(
        server.terminate().code(),
        Some(0),
        "SIGTERM while Redis is away"
    );
    assert!(stopped.elapsed() < PATIENCE, "it waited for Redis");
    server.restart();
    redis.restart();
    server.settle("profiles");
    assert_whole(&redis, 0, 500);
}
