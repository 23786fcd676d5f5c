//! `kenwell dev`: the server with a Redis of its own, for trying things on one machine.

mod child;
mod lock;
mod ports;
mod probe;
mod program;
mod program_places;
mod redis;
mod run;
mod setup;
mod stale;

pub(crate) use run::{DevOptions, DevStarted, run};
