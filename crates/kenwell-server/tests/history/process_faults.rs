//! Kenwell itself is killed, or stopped in order, and started again.

use std::time::Duration;

use crate::{
    World,
    faults::{FaultKind, lasts},
};

pub(crate) fn make(world: &World, kind: FaultKind, _store: usize, random: &mut fastrand::Rng) {
    world.report.note(kind.name());
    world.kenwell.restart(|server| {
        if kind == FaultKind::KenwellKill {
            server.kill();
        } else if !server.terminate().success() {
            let said = "it did not exit with 0";
            world.report.violated("a stop in order was not", said);
        }
    });
    world.report.note("kenwell is back");
    // Starting takes its time: without this it would hardly run.
    lasts(world, Duration::from_millis(random.u64(500..5_000)));
}
