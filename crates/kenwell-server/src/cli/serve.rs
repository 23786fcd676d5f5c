//! `kenwell serve`.

use std::{io, path::Path};

use anyhow::Context;
use clap::Args;
use kenwell_journal::files;

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::{output, signals};
use crate::{
    config::Environment,
    runtime,
    serve::{Signals, Started},
};

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigOption,
    /// Begin with an empty configuration file when there is none, to be filled in the console
    #[arg(long)]
    init: bool,
    /// Know that events wait for destinations that are not configured: /ready is not degraded by them
    #[arg(long)]
    accept_retired: bool,
}

/// Runs the server until a signal.
pub(super) async fn serve(arguments: &Serve) -> Result<(), Failure> {
    let path = &arguments.config.file;
    if arguments.init {
        init(path)?;
    }
    let file = runtime::ConfigFile::open(path, Environment::of_process())?;
    let signals = Signals {
        shutdown: signals::shutdown()?,
        reload: signals::reload()?,
    };
    let mut config = file.loaded().config.clone();
    config.accept_retired |= arguments.accept_retired;
    crate::serve::run(file, config, announce, signals).await?;
    Ok(())
}

/// What an empty configuration begins with.
const BEGINNING: &str = "# Kenwell's configuration, for hand and console alike: docs/configuration.md says what can stand here.\n";

/// Makes the configuration file, readable by its owner only, unless there is one. Passwords may come
/// to stand in it.
fn init(path: &Path) -> anyhow::Result<()> {
    match files::make(path) {
        Ok(mut file) => {
            io::Write::write_all(&mut file, BEGINNING.as_bytes())
                .with_context(|| format!("{} cannot be written", path.display()))?;
            tracing::info!(path = %path.display(), "an empty configuration was made");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("--init: {} cannot be made", path.display()))
        }
    }
}

/// Shows a key that was made just now; it is kept as a hash only.
fn announce(started: Started) {
    let Started {
        addresses,
        new_admin_key,
        ..
    } = started;
    let Some(key) = new_admin_key else { return };
    let text = format!(
        "Console    http://{}\n\
         Admin key  {}\n\
         \n\
         Keep the key: it is shown this one time. `kenwell admin-key reset` makes a new one.",
        addresses.private,
        key.expose()
    );
    if output::line(text).is_err() {
        tracing::warn!(
            "nobody could be shown the new admin key: make another one with `kenwell admin-key reset`"
        );
    }
}
