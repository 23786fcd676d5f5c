//! Why a field has its value: the event that set it, the event itself, and what it replaced.

mod event_lookup;
mod field_report;
mod journal_records;

pub(crate) use field_report::{FieldReport, FieldState, ProfileReport, why_no_times};
pub(crate) use journal_records::JournalRecords;
