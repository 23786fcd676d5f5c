//! What happens to a configuration file: cut, emptied, swapped, and edited through the API.

use std::fs;

use crate::{
    DESTINATIONS, World,
    faults::{FaultKind, lasts, span},
    support::eventually,
};

/// Spoils the file for a while, or has it edited.
pub(crate) fn make(world: &World, kind: FaultKind, _store: usize, random: &mut fastrand::Rng) {
    let _file = world.kenwell.file();
    if kind == FaultKind::Edit {
        edit(world, random);
        return;
    }
    let path = world.kenwell.path();
    let whole = fs::read_to_string(&path).unwrap();
    let spoilt = match kind {
        FaultKind::ConfigTruncate => {
            let at = cut(&whole, random);
            world.report.note(format!("config_truncate at byte {at}"));
            whole.get(..at).unwrap_or_default().to_owned()
        }
        FaultKind::ConfigNoDestination => {
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

/// Where to cut: at any byte, or right before a table. Not where the rest has some of the sources, which
/// could be what a person wants.
fn cut(text: &str, random: &mut fastrand::Rng) -> usize {
    let tables: Vec<_> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    let at = match random.u8(..4) {
        0 => tables[random.usize(..tables.len())],
        _ => random.usize(..text.len()),
    };
    let rest = text.get(..at).unwrap_or_default();
    let a_line_is_whole = rest.ends_with('\n') || text[at..].starts_with('\n');
    let has_destinations = rest.contains("[[destinations]]");
    if a_line_is_whole && has_destinations && rest.contains("[[sources]]") {
        rest.trim_end().len() - 1
    } else {
        at
    }
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
    let change = |body: &str| {
        world.report.note(format!("edit {id}: {body}"));
        let taken = eventually("an edit to be taken", || {
            world.kenwell.ask("PATCH", &path, body).filter(|reply| {
                // Something else is being done with the destination.
                !matches!(reply.status, 409 | 503)
            })
        });
        if taken.status != 200 {
            let said = format!("{body}: {} {}", taken.status, taken.text());
            world.report.violated("an edit was refused", said);
        }
    };
    match random.u8(..3) {
        0 => {
            change(r#"{"paused":true}"#);
            lasts(world, span(random));
            change(r#"{"paused":false}"#);
        }
        1 => change(&format!(r#"{{"name":"name {}"}}"#, random.u16(..))),
        _ => {
            let host = random.u8(1..5);
            change(&format!(r#"{{"address":"127.0.0.{host}:{port}"}}"#));
        }
    }
}
