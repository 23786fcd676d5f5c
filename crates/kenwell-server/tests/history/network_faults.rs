//! What happens on the way to a Redis.

use std::time::Duration;

use crate::{
    World,
    faults::{FaultKind, lasts, span},
    proxy::Mode,
};

/// What providers say that Redis itself never does.
const WORDS: [&str; 5] = [
    "ERR max daily request limit exceeded. Limit: 10000, Usage: 10000",
    "ERR illegal address",
    "ERR the proxy has too many requests",
    "ERR internal failure, please contact support",
    "UPSTREAM no healthy backend",
];

/// One episode on the way to one store.
pub(crate) fn make(world: &World, kind: FaultKind, index: usize, random: &mut fastrand::Rng) {
    let proxy = &world.stores[index].proxy;
    let mode = match kind {
        FaultKind::NetCut => Mode::Closed,
        FaultKind::NetDelay => Mode::Delay(Duration::from_millis(random.u64(5..300))),
        FaultKind::NetSwallow => Mode::Swallow,
        FaultKind::NetLossy => Mode::Lossy([5, 30, 75][random.usize(..3)]),
        FaultKind::NetRefuse => Mode::Refuse(WORDS[random.usize(..WORDS.len())]),
        FaultKind::NetHalfClose => {
            world
                .report
                .note(format!("half-closed before store {index}"));
            proxy.half_close();
            return;
        }
        _ => {
            hold(world, index, random);
            return;
        }
    };
    world.report.note(format!("{mode:?} before store {index}"));
    if matches!(mode, Mode::Refuse(_)) && random.bool() {
        // Sometimes in the middle of a connection, sometimes while one is opened.
        proxy.cut();
    }
    proxy.set(mode);
    lasts(world, span(random));
    proxy.set(Mode::Pass);
    world
        .report
        .note(format!("{} before store {index} is over", kind.name()));
}

/// What the connections of the moment send is delivered late, mostly after they were given up.
fn hold(world: &World, index: usize, random: &mut fastrand::Rng) {
    let proxy = &world.stores[index].proxy;
    world
        .report
        .note(format!("bytes are held before store {index}"));
    proxy.hold();
    lasts(world, span(random).max(Duration::from_millis(6_500)));
    proxy.release();
    world
        .report
        .note(format!("what was held before store {index} was delivered"));
}
