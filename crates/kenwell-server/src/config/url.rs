//! All about a Redis in one line: a destination's `url`, or a connection string in its `address`.

use kenwell::Error;
use kenwell::connection::Url;

use super::file_reader::FileReader;
use super::input::{Input, ValueError};
use super::secret;
use super::values::Value;

/// Reads a URL: the text, or a reference to a variable or file, since it may hold a password.
pub(super) fn value(file: &FileReader<'_>, input: &Input<'_>) -> Result<Value, ValueError> {
    let found = secret::secret(file, input)?;
    let url: Url = found.text().parse().map_err(|error| {
        let fix =
            "write redis://user:password@host:6379/0, rediss://… for TLS, or unix:///path?db=0";
        ValueError::new(problem(error), fix)
    })?;
    if found.is_literal() && url.password.is_some() {
        file.holds_password.set(true);
    }
    Ok(Value::RedisUrl(Box::new(url), found.reference))
}

/// What `address` says when somebody pasted a connection string of Azure's portal
/// (`host:6380,password=…,ssl=True`) into it.
pub(super) fn connection_string(
    file: &FileReader<'_>,
    input: &Input<'_>,
) -> Result<Option<Value>, ValueError> {
    let text = input.as_text().unwrap_or_default().trim();
    if !text.contains('=') || text.contains("://") || text.starts_with("unix:") {
        return Ok(None);
    }
    let url: Url = text.parse().map_err(|error| {
        let fix = "write host:port, and user and password as keys of their own";
        ValueError::new(problem(error), fix)
    })?;
    if matches!(input, Input::Toml(_)) && url.password.is_some() {
        file.holds_password.set(true);
    }
    Ok(Some(Value::RedisUrl(Box::new(url), None)))
}

fn problem(error: Error) -> String {
    match error {
        Error::Settings { problem, .. } => problem,
        other => other.to_string(),
    }
}
