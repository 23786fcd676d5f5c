//! After the faults: the queues become empty, the letters can be written, and every user's last word
//! is what was acknowledged.

use std::time::{Duration, Instant};

use crate::{
    DESTINATIONS, SOURCES, World, people, sampler,
    users::{Field, Users},
};

/// How long the queues and letters may take.
const SETTLING: Duration = Duration::from_mins(3);

/// Waits until nothing waits, and retries letters until there are none.
pub(crate) fn settle(world: &World) {
    world.report.note("no more faults");
    let deadline = Instant::now() + SETTLING;
    for (index, id) in DESTINATIONS.iter().enumerate() {
        let mut said = String::new();
        let settled = loop {
            let page = world.kenwell.metrics();
            let queued = page.as_ref().and_then(|page| sampler::queued(page, id));
            let letters = match queued {
                Some(0) => people::retry(world, index),
                _ => None,
            };
            if (queued, letters) == (Some(0), Some(0)) {
                break true;
            }
            if Instant::now() > deadline {
                said = format!("{id}: queued {queued:?}, letters {letters:?}");
                break false;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        if !settled {
            let reply = world.kenwell.ask("GET", "/ready", "");
            let ready = reply.map(|reply| reply.text());
            let said = format!("{said}; ready: {ready:?}");
            world.report.violated("it does not settle", said);
        }
    }
    world.report.note("settled");
}

/// Compares each store with what was acknowledged.
pub(crate) fn profiles(world: &World, senders: &[Users]) {
    for (index, id) in DESTINATIONS.iter().enumerate() {
        for users in senders {
            if !SOURCES[users.source].1.contains(&index) {
                continue;
            }
            let found = world.stores[index].profiles(users.all.keys());
            for ((name, user), profile) in users.all.iter().zip(found) {
                for (field, known) in [("n", &user.n), ("m", &user.m)] {
                    let value = profile.get(field).map(|text| text.parse().unwrap());
                    let user = format!("{id}: {name}.{field}");
                    judge(world, &user, known, value);
                }
            }
        }
    }
}

fn judge(world: &World, user: &str, known: &Field, value: Option<u64>) {
    if known.allows(value) {
        return;
    }
    let what = match value {
        None if known.is_due() => "an acknowledged event is not there",
        _ => "another value than the last acknowledged one",
    };
    let said = format!("{user} is {value:?}: {known:?}");
    world.report.violated(what, said);
}
