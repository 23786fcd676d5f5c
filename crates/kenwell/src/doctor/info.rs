//! What `INFO` says, where it may be asked.

use std::collections::HashMap;

use super::explain;
use super::finding::{Check, Finding};
use crate::Error;
use crate::connection::StagedConnection;
use crate::resp::{Command, Value};

/// The largest reply that is looked at, in bytes; real ones have about 6,000.
const MAX_BYTES: usize = 1 << 20;

/// The answer to `INFO`, or why there is none.
pub(super) struct Info(Result<HashMap<String, String>, Error>);

impl Info {
    pub(super) async fn ask(staged: &mut StagedConnection) -> Self {
        Self(
            staged
                .ask("INFO", &Command::new("INFO"))
                .await
                .map(|reply| {
                    let text = match &reply {
                        Value::BulkString(text) => String::from_utf8_lossy(text),
                        Value::SimpleString(text) => text.into(),
                        _ => "".into(),
                    };
                    parse(&text)
                }),
        )
    }

    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self(Ok(parse(text)))
    }

    /// A line's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let values = self.0.as_ref().ok()?;
        values.get(name).map(String::as_str)
    }

    /// A line's value as a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The finding when nothing is said about something.
    pub(super) fn silent(&self, check: Check) -> Finding {
        match &self.0 {
            Ok(_) => check.skipped("INFO does not say"),
            Err(Error::Refused { reply, .. }) if reply.code() == "NOPERM" => check
                .skipped("the user may not run INFO")
                .with_cure("to let the doctor see it, grant +info"),
            Err(Error::Refused { .. }) => check.skipped("this server does not answer INFO"),
            Err(error) => explain::failed(check, error),
        }
    }
}

fn parse(text: &str) -> HashMap<String, String> {
    let end = text.floor_char_boundary(MAX_BYTES);
    let text = text.get(..end).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
