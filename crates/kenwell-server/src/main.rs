//! The `kenwell` binary: picks the allocator, reads the arguments, runs the command.

use std::process::ExitCode;

use clap::Parser;
use kenwell_server::cli::{Arguments, run};

/// Measured faster than the system's for many small, short-lived buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Arguments::parse())
}
