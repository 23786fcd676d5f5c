//! `kenwell admin-key reset`.

use super::arguments::ConfigFile;
use super::exit::Failure;
use super::output;
use super::run::load;
use crate::private::{self, KeyEffect};

/// Makes a new admin key and prints it, once a server that runs has taken it and ended all sessions.
pub(super) fn reset(arguments: &ConfigFile) -> Result<(), Failure> {
    let config = load(&arguments.file)?;
    if config.private.admin_key.is_some() {
        return Err(Failure::Usage(
            "error: the admin key is set in the configuration\n  \
             fix: change `admin_key` under [private], or remove it to let Kenwell make one"
                .into(),
        ));
    }
    let (key, effect) = private::reset_admin_key(&config.data_dir).map_err(anyhow::Error::new)?;
    if effect == KeyEffect::AtStart {
        output::complain(&format!(
            "note: no server runs with {}; the next one that starts there takes this key",
            config.data_dir.display()
        ));
    }
    output::line(key.expose())
}
