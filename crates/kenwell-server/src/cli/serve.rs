//! `kenwell serve`.

use super::arguments::ConfigFile;
use super::exit::Failure;
use super::signals;
use crate::{config::Environment, live, serve::Signals};

/// Runs the server until a signal.
pub(super) async fn serve(arguments: &ConfigFile) -> Result<(), Failure> {
    let file = live::ConfigFile::open(&arguments.file, Environment::of_process())?;
    for warning in &file.loaded().warnings {
        tracing::warn!(place = %warning.place, key = warning.key, fix = warning.fix, "configuration: {}", warning.what);
    }
    let signals = Signals {
        shutdown: signals::shutdown()?,
        reload: signals::reload()?,
    };
    let config = file.loaded().config.clone();
    crate::serve::run(file, config, |_addresses| (), signals).await?;
    Ok(())
}
