//! `kenwell completions` and `kenwell man`: what packages install beside the binary.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use super::exit::Failure;
use super::output;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Where to write them, a page for each command; made when missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Prints the script for a shell.
pub(super) fn completions(arguments: &Completions, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "kenwell", &mut script);
    output::data(String::from_utf8_lossy(&script).trim_end())
}

/// Writes the pages.
pub(super) fn man(arguments: &Man, command: Command) -> Result<(), Failure> {
    let directory = &arguments.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .with_context(|| format!("the pages cannot be written to {}", directory.display()))?;
    Ok(())
}
