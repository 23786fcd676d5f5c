//! What people do meanwhile: they retry dead letters and replay the journal.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::{DESTINATIONS, World, faults::FaultKind};

pub(crate) fn make(world: &World, kind: FaultKind, _store: usize, random: &mut fastrand::Rng) {
    let index = random.usize(..DESTINATIONS.len());
    if kind == FaultKind::Replay {
        replay(world, index, random);
    } else {
        retry(world, index);
    }
}

fn replay(world: &World, index: usize, random: &mut fastrand::Rng) {
    let from = SystemTime::now() - Duration::from_secs(random.u64(1..20));
    let from = jiff::Timestamp::try_from(from).unwrap();
    let id = DESTINATIONS[index];
    world.report.note(format!("replay of {id} from {from}"));
    let path = format!("/api/v1/destinations/{id}/replay");
    let body = format!(r#"{{"from":"{from}"}}"#);
    let reply = world.kenwell.ask("POST", &path, &body);
    let said = reply.map(|reply| format!("{} {}", reply.status, reply.text()));
    world.report.note(format!("replay of {id}: {said:?}"));
}

/// Retries every letter of a destination, after a look at whose they are. Gives how many are left.
pub(crate) fn retry(world: &World, index: usize) -> Option<u64> {
    let id = DESTINATIONS[index];
    examine(world, index)?;
    let body = format!(r#"{{"destination":"{id}","all":true}}"#);
    let told = world
        .kenwell
        .json("POST", "/api/v1/dead-letters/retry", &body)?;
    if told["retried"] != 0 || told["still_failing"] != 0 {
        world
            .report
            .note(format!("letters of {id} retried: {told}"));
    }
    let list = format!("/api/v1/dead-letters?destination={id}&limit=1");
    world.kenwell.json("GET", &list, "")?["total"].as_u64()
}

/// Only users whose key was of the wrong type have dead letters.
fn examine(world: &World, index: usize) -> Option<()> {
    let store = &world.stores[index];
    let mut after = String::new();
    loop {
        let path = format!(
            "/api/v1/dead-letters?destination={}&limit=200{after}",
            DESTINATIONS[index]
        );
        let page = world.kenwell.json("GET", &path, "")?;
        for letter in page["letters"].as_array()? {
            let key = letter["key"].as_str().unwrap_or_default();
            if !store.wronged.lock().unwrap().contains(key) {
                let letter = format!("{}: {letter}", DESTINATIONS[index]);
                world
                    .report
                    .violated("a healthy event became a dead letter", letter);
            }
        }
        let Value::String(next) = &page["next"] else {
            return Some(());
        };
        after = format!("&after={}", next.replace('/', "%2F"));
    }
}
