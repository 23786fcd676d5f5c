//! What happens to a configuration file: cut, emptied, swapped, and edited through the API.

use std::fs;

use crate::{
    DESTINATIONS, World,
    weather::{Kind, lasts, span},
};

/// Spoils the file for a while, or has it edited.
pub(crate) fn bring(world: &World, kind: Kind, _store: usize, random: &mut fastrand::Rng) {
    let _file = world.kenwell.file();
    if kind == Kind::Edit {
        edit(world, random);
        return;
    }
    let path = world.kenwell.path();
    let whole = fs::read_to_string(&path).unwrap();
    let spoilt = match kind {
        Kind::ConfigTruncate => {
            let at = random.usize(..whole.len());
            world.report.note(format!("config_truncate at byte {at}"));
            whole.get(..at).unwrap_or_default().to_owned()
        }
        Kind::ConfigNoDestination => {
            world.report.note(kind.name());
            without_destinations(&whole)
        }
        _ => {
            world.report.note(kind.name());
            String::new()
        }
    };
    fs::write(&path, spoilt).unwrap();
    lasts(world, span(random));
    fs::write(&path, whole).unwrap();
    world.report.note(format!("{} is over", kind.name()));
}

/// The file with no destination, which nothing leads to.
fn without_destinations(text: &str) -> String {
    let mut kept = String::new();
    let mut keeps = true;
    for line in text.lines() {
        if line.starts_with('[') {
            keeps = line != "[[destinations]]";
        }
        match line {
            _ if !keeps => {}
            line if line.starts_with("destinations = ") => kept += "destinations = []\n",
            line => kept = kept + line + "\n",
        }
    }
    kept
}

/// Pauses a destination and lets it go on, renames it, or gives its server another address.
fn edit(world: &World, random: &mut fastrand::Rng) {
    let index = random.usize(..DESTINATIONS.len());
    let (id, port) = (DESTINATIONS[index], world.stores[index].proxy.port());
    let path = format!("/api/v1/destinations/{id}");
    let patch = |body: &str| {
        world.report.note(format!("edit {id}: {body}"));
        // Nobody answers while Kenwell is down.
        if let Some(reply) = world.kenwell.ask("PATCH", &path, body)
            && reply.status != 200
        {
            let said = format!("{body}: {} {}", reply.status, reply.text());
            world.report.violated("an edit was refused", said);
        }
    };
    match random.u8(..3) {
        0 => {
            patch(r#"{"paused":true}"#);
            lasts(world, span(random));
            patch(r#"{"paused":false}"#);
        }
        1 => patch(&format!(r#"{{"name":"name {}"}}"#, random.u16(..))),
        _ => {
            let host = random.u8(1..5);
            patch(&format!(r#"{{"address":"127.0.0.{host}:{port}"}}"#));
        }
    }
}
