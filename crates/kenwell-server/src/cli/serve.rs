//! `kenwell serve`.

use super::arguments::ConfigFile;
use super::exit::Failure;
use super::{output, signals};
use crate::{
    config::Environment,
    live,
    serve::{Signals, Started},
};

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
    crate::serve::run(file, config, announce, signals).await?;
    Ok(())
}

/// Shows a key that was made just now; it is kept as a hash only.
fn announce(started: Started) {
    let Started {
        addresses,
        new_admin_key,
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
