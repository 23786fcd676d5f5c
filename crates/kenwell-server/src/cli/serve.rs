//! `kenwell serve`.

use super::arguments::ConfigFile;
use super::exit::Failure;
use super::signals;
use crate::config::{Config, Environment};

/// Runs the server until a signal.
pub(super) async fn serve(arguments: &ConfigFile) -> Result<(), Failure> {
    let loaded = Config::load(&arguments.file, &Environment::of_process())?;
    for warning in &loaded.warnings {
        tracing::warn!(place = %warning.place, key = warning.key, fix = warning.fix, "configuration: {}", warning.what);
    }
    let shutdown = signals::shutdown()?;
    crate::serve::run(loaded.config, |_addresses| (), shutdown).await?;
    Ok(())
}
