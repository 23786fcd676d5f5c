//! Moving over with proof: what another system and Kenwell have written of the same events is compared.
//!
//! `profile_difference` compares two profiles, `comparison` all of two places, `report` says what came of it. `jovo_check` looks at
//! what a Jovo app has stored.

mod comparison;
mod jovo_check;
mod profile_difference;
mod report;

pub(crate) use comparison::{Comparison, OnlyThere};
pub(crate) use jovo_check::{JovoEntries, JovoReport};
pub(crate) use report::{DestinationReport, DifferentUser, Values};
