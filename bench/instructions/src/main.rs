//! Runs one of the paths whose instructions are counted: `kenwell-bench-instructions PATH REDIS`.
//!
//! `bench/instructions/run` counts, under callgrind, what happens inside of the function `counted`, on its thread.

mod bare; // the same save and load by a bare client
mod profile; // from a request's body to commands for Redis
mod state; // save and load of a user's record

use std::hint::black_box;

use anyhow::{Context, bail};
use mimalloc::MiMalloc;

/// The allocator of the server: what an allocation takes is part of every path.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How often a path is walked before it is counted, so that buffers have grown and connections are open.
const WARM_UP: usize = 3;
/// How often it is counted. `run` divides by it.
const ROUNDS: usize = 10;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let path = words.next().context("the name of a path is missing")?;
    let redis = words.next().context("the address of a Redis is missing")?;
    match path.as_str() {
        "parse" => profile::parse(),
        "append" => profile::append(),
        "flatten" => profile::flatten(),
        "fold" => profile::fold(),
        "write" => profile::write(&redis),
        "state" => state::save_and_load(&redis, 1),
        "states" => state::save_and_load(&redis, state::USERS),
        "bare" => bare::save_and_load(&redis, 1),
        "bares" => bare::save_and_load(&redis, state::USERS),
        _ => bail!("there is no path {path}"),
    }
}

/// Walks a path: `prepare` is not counted, `walk` is, and so is dropping what it gives.
fn measure<I, O>(
    mut prepare: impl FnMut() -> I,
    mut walk: impl FnMut(I) -> anyhow::Result<O>,
) -> anyhow::Result<()> {
    for _round in 0..WARM_UP {
        drop(walk(prepare())?);
    }
    for _round in 0..ROUNDS {
        let input = prepare();
        counted(|| walk(black_box(input)).map(|output| drop(black_box(output))))?;
    }
    Ok(())
}

/// What callgrind looks for by its name.
#[inline(never)]
fn counted<T>(walk: impl FnOnce() -> T) -> T {
    walk()
}
