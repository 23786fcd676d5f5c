//! Pairs of a write that waits and a read right after it: no read is older than a write that got 200.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use redis::Commands;

use super::event;
use crate::support::{Client, PATIENCE, Redis, Server, eventually};

const WRITERS: u64 = 8;

/// One writer's pairs with its own users: one that is written again and again, and a new one each time.
struct Writer {
    number: u64,
    gateway: String,
    redis: u16,
    /// Pairs of all writers so far.
    done: Arc<AtomicU64>,
}

impl Writer {
    fn read(&self, connection: &mut Option<redis::Connection>, user: &str) -> u64 {
        eventually("Redis to answer", || {
            if connection.is_none() {
                let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.redis));
                *connection = client.unwrap().get_connection().ok();
            }
            let value: redis::RedisResult<Option<u64>> =
                connection.as_mut()?.hget(format!("user:{user}"), "n");
            if value.is_err() {
                *connection = None;
            }
            value.ok().map(Option::unwrap_or_default)
        })
    }

    /// Goes on until `stop`; gives how many writes got 200.
    fn run(&self, stop: &AtomicBool) -> Result<u64, String> {
        let (mut client, mut connection) = (None, None);
        let (mut applied, mut value) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            value += 1;
            let same = format!("w{}", self.number);
            let new = format!("w{}-{value}", self.number);
            let (path, body) = if value % 3 == 0 {
                let events = [event(&same, value), event(&new, value)].join(",");
                ("batch", format!(r#"{{"batch":[{events}]}}"#))
            } else {
                ("identify", event(&same, value))
            };
            let path = format!("/v1/{path}?wait=applied&timeout=20s");
            let open = client.take().or_else(|| Client::try_connect(&self.gateway));
            let Some(mut open) = open else {
                std::thread::yield_now();
                continue;
            };
            let Some(reply) = open.post(&path, body.as_bytes()) else {
                continue;
            };
            client = Some(open);
            if reply.status != 200 {
                continue;
            }
            let mut users = vec![same];
            users.extend((value % 3 == 0).then_some(new));
            for user in users {
                let found = self.read(&mut connection, &user);
                if found < value {
                    return Err(format!("{user}: 200 for {value}, and then {found}"));
                }
            }
            applied += 1;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(applied)
    }
}

/// Writers at work, and how many pairs they have done.
struct Writers {
    threads: Vec<JoinHandle<Result<u64, String>>>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

impl Writers {
    fn start(server: &Server, redis: &Redis) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let threads = (0..WRITERS).map(|number| {
            let writer = Writer {
                number,
                gateway: server.gateway.clone(),
                redis: redis.port,
                done: Arc::clone(&done),
            };
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || writer.run(&stop))
        });
        Self {
            threads: threads.collect(),
            stop,
            done,
        }
    }

    /// Waits for so many more pairs.
    fn more(&self, pairs: u64) {
        let goal = self.done.load(Ordering::Relaxed) + pairs;
        let deadline = Mutex::new((self.done.load(Ordering::Relaxed), std::time::Instant::now()));
        loop {
            let done = self.done.load(Ordering::Relaxed);
            let ended = self.threads.iter().any(JoinHandle::is_finished);
            if done >= goal || ended {
                return;
            }
            let mut last = deadline.lock().unwrap();
            if done > last.0 {
                *last = (done, std::time::Instant::now());
            }
            assert!(last.1.elapsed() < PATIENCE, "no pair for {PATIENCE:?}");
            drop(last);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let threads = self.threads.into_iter();
        threads.map(|thread| thread.join().unwrap().unwrap()).sum()
    }
}

/// So many pairs while Kenwell is killed and Redis restarted again and again.
fn through_kills(pairs: u64, between: u64) {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    let writers = Writers::start(&server, &redis);
    let mut round = 0;
    while writers.done.load(Ordering::Relaxed) < pairs
        && !writers.threads.iter().any(JoinHandle::is_finished)
    {
        round += 1;
        // Another moment each time, counted in pairs.
        writers.more(between + (round * 7) % between);
        if round % 2 == 0 {
            redis.kill();
            redis.restart();
        } else {
            server.kill();
            server.restart();
        }
    }
    assert!(writers.end() >= pairs);
}

#[test]
fn a_200_is_visible_to_the_next_read() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let writers = Writers::start(&server, &redis);
    writers.more(3_000);
    assert!(writers.end() >= 3_000);
}

#[test]
fn no_read_is_stale_after_a_200_though_kenwell_and_redis_are_killed() {
    through_kills(600, 60);
}

/// The long run, by hand: `cargo nextest run -p kenwell-server --test scenarios --run-ignored only ten_thousand`.
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_pairs_through_kills() {
    through_kills(10_000, 150);
}
