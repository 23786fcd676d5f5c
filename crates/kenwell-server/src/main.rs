//! The `kenwell` binary: picks the allocator, reads the arguments, runs the command.

use std::process::ExitCode;

use clap::Parser;
use kenwell_server::cli::{Arguments, run};

/// Measured faster than the system's for many small, short-lived buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // What this process or a Redis that it starts makes is for its user alone, however it was started.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    run(Arguments::parse())
}
