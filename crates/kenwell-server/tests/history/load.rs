//! Senders: singles and batches of many users, each with a counter, some of them leaving early.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    SENDERS, SOURCES, World,
    support::{Client, PATIENCE},
    users::{Event, Fate, Users},
};

/// Users that a sender speaks of at a time.
const USERS: u64 = 20;
/// How long until the oldest of them is left for a new one. So each has had its last word at some time,
/// and whatever comes over it later is seen.
const TURN: Duration = Duration::from_millis(250);
/// Events of a batch, at most.
const BATCH: usize = 20;

/// One of the users that a sender speaks of at this time.
pub(crate) fn user(world: &World, sender: usize, random: &mut fastrand::Rng) -> String {
    let oldest = world.report.age().as_millis() / TURN.as_millis();
    format!("s{sender}-{}", oldest + u128::from(random.u64(..USERS)))
}

struct Sender {
    world: Arc<World>,
    number: usize,
    random: fastrand::Rng,
    users: Users,
    /// A connection to keep, and the server's generation that it leads to.
    client: Option<(u64, Client)>,
    /// How many events of users of their own were sent and not waited for.
    left: usize,
}

/// Sends until the load is to end; gives what was said of each user.
pub(crate) fn start(world: &Arc<World>, sender: usize, random: fastrand::Rng) -> JoinHandle<Users> {
    let mut sender = Sender {
        world: Arc::clone(world),
        number: sender,
        random,
        users: Users {
            source: SENDERS[sender],
            ..Users::default()
        },
        client: None,
        left: 0,
    };
    std::thread::spawn(move || {
        while !sender.world.done.load(Ordering::SeqCst) {
            match sender.random.u8(..20) {
                0 => sender.send_and_leave(),
                1 | 2 => sender.send_half_closed(),
                _ => sender.send(),
            }
            let pause = sender.random.u64(5..40);
            std::thread::sleep(Duration::from_millis(pause));
        }
        sender.users
    })
}

impl Sender {
    fn events(&mut self) -> Vec<Event> {
        let count = match self.random.u8(..3) {
            0 => 1,
            _ => self.random.usize(1..=BATCH),
        };
        let mut events = Vec::new();
        for _ in 0..count {
            let user = user(&self.world, self.number, &mut self.random);
            events.push(self.users.next(user, self.random.u8(..3) == 0));
        }
        events
    }

    fn key(&self) -> String {
        format!("key-{}", SOURCES[SENDERS[self.number]].0)
    }

    fn request(&self, events: &[Event]) -> Vec<u8> {
        let key = BASE64_STANDARD.encode(self.key() + ":");
        let (path, body) = body(events);
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: kenwell\r\nAuthorization: Basic {key}\r\nContent-Length: {length}\r\n\r\n"
        );
        (head + &body).into_bytes()
    }

    /// On a connection that is kept.
    fn send(&mut self) {
        let generation = self.world.kenwell.generation();
        let kept = self.client.take().filter(|(of, _)| *of == generation);
        let client = kept.map(|(_, client)| client);
        let Some(mut client) = client.or_else(|| Client::try_connect(&self.world.kenwell.gateway))
        else {
            return;
        };
        let events = self.events();
        let reply = client
            .send(&self.request(&events))
            .ok()
            .and_then(|()| client.receive(false));
        let status = reply.as_ref().map(|reply| reply.status);
        self.remember(&events, status, generation);
        self.client = reply.map(|_| (generation, client));
    }

    /// On a connection whose own direction is closed before the answer comes.
    fn send_half_closed(&mut self) {
        let generation = self.world.kenwell.generation();
        let Ok(mut socket) = TcpStream::connect(&self.world.kenwell.gateway) else {
            return;
        };
        let events = self.events();
        let mut answer = String::new();
        let talked = socket
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| socket.write_all(&self.request(&events)))
            .and_then(|()| socket.shutdown(Shutdown::Write))
            .and_then(|()| socket.read_to_string(&mut answer));
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        self.remember(&events, talked.ok().and(status), generation);
    }

    /// Hangs up behind a user of its own, because what comes later could overtake it.
    fn send_and_leave(&mut self) {
        let user = format!("s{}-left-{}", self.number, self.left);
        let Ok(mut socket) = TcpStream::connect(&self.world.kenwell.gateway) else {
            return;
        };
        self.left += 1;
        let event = self.users.next(user, false);
        // Whether it was stored or not, nobody was told.
        socket
            .write_all(&self.request(std::slice::from_ref(&event)))
            .ok();
        self.users.sent(&event, Fate::Unknown);
    }

    fn remember(&mut self, events: &[Event], status: Option<u16>, generation: u64) {
        let report = &self.world.report;
        let fate = match status {
            Some(200) => Fate::Acknowledged,
            _ => Fate::Unknown,
        };
        match status {
            Some(200) => {
                let count = u64::try_from(events.len()).unwrap();
                report.acknowledged.fetch_add(count, Ordering::SeqCst);
            }
            Some(503) => {}
            Some(status) => report.violated(
                "a valid request was refused",
                format!("{status} for {}", self.key()),
            ),
            None => {
                report.unanswered.fetch_add(1, Ordering::SeqCst);
                if self.world.kenwell.lived_since(generation) {
                    report.violated("no answer, though kenwell ran", self.key());
                }
            }
        }
        for event in events {
            self.users.sent(event, fate);
        }
    }
}

fn body(events: &[Event]) -> (&'static str, String) {
    let all: Vec<_> = events.iter().map(Event::json).collect();
    if let [one] = &all[..] {
        return ("/v1/identify", one.clone());
    }
    ("/v1/batch", format!("{{\"batch\":[{}]}}", all.join(",")))
}
