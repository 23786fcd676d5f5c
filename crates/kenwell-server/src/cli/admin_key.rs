//! `kenwell admin-key reset`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::help;
use super::output;
use crate::private::{self, ResetEffect};

#[derive(Debug, Subcommand)]
pub(super) enum AdminKeyCommand {
    /// Make a new one and print it; the old one is refused from then on
    #[command(after_help = help::ADMIN_KEY_RESET)]
    Reset(AdminKeyReset),
}

#[derive(Debug, Args)]
pub(super) struct AdminKeyReset {
    #[command(flatten)]
    config: ConfigOption,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes a new admin key and prints it, once a server that runs has taken it and ended all sessions.
pub(super) fn reset(arguments: &AdminKeyReset) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    if config.private.admin_key.is_some() {
        return Err(Failure::Usage(
            "error: the admin key is set in the configuration\n  \
             fix: change `admin_key` under [private], or remove it to let Kenwell make one"
                .into(),
        ));
    }
    let (key, effect) = private::reset_admin_key(&config.data_dir).map_err(anyhow::Error::new)?;
    if effect == ResetEffect::AtNextStart {
        output::complain(&format!(
            "note: no server runs with {}; the next one that starts there takes this key",
            config.data_dir.display()
        ));
    }
    if arguments.json {
        return output::json(&json!({ "admin_key": key.expose() }));
    }
    output::line(key.expose())
}
