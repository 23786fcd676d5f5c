//! What happens to a Redis: killed, frozen, full, behind a password, and with keys of the wrong type.

use redis::Connection;

use crate::{
    World,
    faults::{FaultKind, lasts, span},
    load,
    store::Store,
};

/// What stands in place of a profile.
const NO_HASH: &str = "no hash";

/// One episode at one store.
pub(crate) fn make(world: &World, kind: FaultKind, index: usize, random: &mut fastrand::Rng) {
    let store = &world.stores[index];
    let name = kind.name();
    world.report.note(format!("{name} at store {index}"));
    let time = span(random);
    match kind {
        FaultKind::RedisKill => {
            store.node.lock().unwrap().kill();
            lasts(world, time);
            store.node.lock().unwrap().revive();
        }
        FaultKind::RedisFreeze => {
            store.node.lock().unwrap().signal("STOP");
            lasts(world, time);
            store.node.lock().unwrap().signal("CONT");
        }
        FaultKind::RedisMemory => {
            store.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
            lasts(world, time);
            store.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
        }
        FaultKind::RedisPassword => {
            let mut inside = store.connection();
            tell(&mut inside, &["CONFIG", "SET", "requirepass", "another"]);
            tell(&mut inside, &["CLIENT", "KILL", "TYPE", "normal"]);
            lasts(world, time);
            tell(&mut inside, &["CONFIG", "SET", "requirepass", ""]);
        }
        _ => {
            let sender = random.usize(..crate::SENDERS.len());
            let key = format!("user:{}", load::user(world, sender, random));
            wrong(store, &key);
            lasts(world, time);
            right(store, &key);
        }
    }
    world
        .report
        .note(format!("{name} at store {index} is over"));
}

fn tell(connection: &mut Connection, words: &[&str]) {
    let mut command = redis::Cmd::new();
    command.arg(words).query::<()>(connection).unwrap();
}

/// Puts a text in place of the profile, which is set aside.
fn wrong(store: &Store, key: &str) {
    store.wronged.lock().unwrap().insert(key.to_owned());
    let script = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end \
                  redis.call('SET', KEYS[1], ARGV[1])";
    eval(store, script, key);
}

/// Puts the profile back.
fn right(store: &Store, key: &str) {
    let script = "redis.call('DEL', KEYS[1]) \
                  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[1]) end";
    eval(store, script, key);
}

fn eval(store: &Store, script: &str, key: &str) {
    let aside = format!("aside:{key}");
    store.command::<()>(&["EVAL", script, "2", key, &aside, NO_HASH]);
}
