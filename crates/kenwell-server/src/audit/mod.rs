//! Who changed what: a line in the log for each deed, and the last ones on disk.
//!
//! A deed is a request to the private plane that is to change something, a sign-in or sign-out, and a configuration file
//! that was taken over. `entry` is what is told of one, `file` is where the last ones are kept, and `log` is what others
//! hold of it. Names of settings are told, never their values; and no ids of users.

mod entry;
mod file;
mod log;

pub(crate) use entry::{AuditEntry, AuditResult, Who};
pub(crate) use log::AuditLog;
