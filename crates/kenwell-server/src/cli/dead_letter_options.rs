//! What can be typed behind `kenwell dead-letters list|show|retry|discard`.

use std::collections::HashSet;

use clap::Args;

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::server::ServerOptions;

/// Letters that can be named at once, as many as the API takes.
const MAX_IDS: usize = 1_000;

/// Where the letters are, and of which destination.
#[derive(Debug, Args)]
pub(super) struct LettersPlace {
    #[command(flatten)]
    pub(super) config: ConfigOption,
    #[command(flatten)]
    pub(super) server: ServerOptions,
    /// Only those of this destination
    #[arg(long, value_name = "ID")]
    pub(super) destination: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DeadLettersList {
    #[command(flatten)]
    pub(super) place: LettersPlace,
    /// Only those with this code of Redis, such as WRONGTYPE
    #[arg(long, value_name = "CODE")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DeadLettersShow {
    /// The letter's id, as list prints it
    #[arg(value_name = "LETTER")]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) place: LettersPlace,
}

#[derive(Debug, Args)]
pub(super) struct DeadLettersRetry {
    /// Only these letters, by the ids that list prints
    #[arg(value_name = "LETTER", conflicts_with = "reason")]
    pub(super) ids: Vec<String>,
    #[command(flatten)]
    pub(super) place: LettersPlace,
    /// Only those with this code of Redis, such as WRONGTYPE
    #[arg(long, value_name = "CODE")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["ids", "reason", "all"]))]
pub(super) struct DeadLettersDiscard {
    /// These letters, by the ids that list prints
    #[arg(value_name = "LETTER")]
    pub(super) ids: Vec<String>,
    #[command(flatten)]
    pub(super) place: LettersPlace,
    /// Those with this code of Redis, such as WRONGTYPE
    #[arg(long, value_name = "CODE")]
    pub(super) reason: Option<String>,
    /// All of them
    #[arg(long)]
    pub(super) all: bool,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

/// Which letters are retried or discarded.
pub(super) enum LetterChoice {
    Ids(HashSet<String>),
    Reason(String),
    All,
}

impl LetterChoice {
    pub(super) fn new(ids: &[String], reason: Option<&str>) -> Result<Self, Failure> {
        if ids.len() > MAX_IDS {
            return Err(Failure::Usage(format!(
                "error: {} letters are named\n  fix: name {MAX_IDS} at most, or use --reason",
                ids.len()
            )));
        }
        Ok(match reason {
            Some(reason) => Self::Reason(reason.to_owned()),
            None if ids.is_empty() => Self::All,
            None => Self::Ids(ids.iter().cloned().collect()),
        })
    }

    /// Whether so many letters are all that were named: one that is not there was done nothing with.
    pub(super) fn expect(&self, found: u64) -> Result<(), Failure> {
        let named = match self {
            Self::Ids(ids) => u64::try_from(ids.len()).unwrap_or(u64::MAX),
            Self::Reason(_) | Self::All => 0,
        };
        match named.saturating_sub(found) {
            0 => Ok(()),
            absent => Err(Failure::Absent(format!(
                "{absent} of {named} letters are not there: kenwell dead-letters list prints the ids; one that was refused again has another"
            ))),
        }
    }
}
