//! Log lines on stderr: how much and in which shape.

use tracing_subscriber::EnvFilter;

use super::exit::Failure;
use super::log_writer::{LogFormat, LogWriter};

/// Sets up logging for the process. `KENWELL_LOG` wins over `RUST_LOG`, and both over `default`.
pub(super) fn start(format: LogFormat, default: &str) -> Result<(), Failure> {
    let (name, directives) = ["KENWELL_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| {
            Some((
                name,
                std::env::var(name).ok().filter(|text| !text.is_empty())?,
            ))
        })
        .unwrap_or_else(|| ("KENWELL_LOG", default.to_owned()));
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        Failure::Usage(format!(
            "error: {name}: \"{directives}\" says no log level: {error}\n  fix: set it to error, warn, info or debug"
        ))
    })?;
    let has_colours = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none()
        && matches!(format, LogFormat::Text);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter {
            format,
            has_colours,
        })
        .with_ansi(has_colours);
    let started = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::failed(format!("logging cannot start: {error}")))
}
