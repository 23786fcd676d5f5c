//! `--config FILE`, as most commands have it.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use crate::config::{Config, Environment};

#[derive(Debug, Args)]
pub(super) struct ConfigOption {
    /// The configuration file
    #[arg(
        long = "config",
        short,
        value_name = "FILE",
        default_value = "kenwell.toml"
    )]
    #[arg(env = "KENWELL_CONFIG", hide_env_values = true)]
    pub(super) file: PathBuf,
}

impl ConfigOption {
    /// What the file says, for commands that only need it to find their way.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.file, &Environment::of_process())?.config)
    }
}
