//! The doctor: goes the whole way to a Redis, step by step, and names what is wrong and the cure.
//!
//! [`examine`] never fails and always ends: each step is bounded by the time-outs of the settings.
//! It sends commands that plain Redis 6.2 and Valkey have, and needs no more rights than Kenwell
//! itself; what a restricted user or a managed service does not let it see is
//! [skipped](Status::Skipped), not failed. It writes one key, which expires by itself.
//!
//! No finding holds a password, a profile, or a key other than the doctor's own.
//!
//! ```no_run
//! use kenwell::connection::Settings;
//! use kenwell::doctor;
//! use kenwell::profile::Layout;
//!
//! # async fn example() {
//! let report = doctor::examine(&Settings::new("127.0.0.1:6379"), &Layout::default()).await;
//! for finding in report.findings() {
//!     println!("{} {}: {}", finding.status, finding.check, finding.says);
//! }
//! assert!(report.is_healthy());
//! # }
//! ```

mod certificate;
mod examine;
mod expiry;
mod explain;
mod finding;
mod info;
mod login;
mod marker;
mod memory;
mod network;
mod probe;
mod report;
mod rights;
mod round_trip;
mod server;
mod tls;

pub use examine::{examine, examine_expiring};
pub use expiry::{certificate_expiries, time_notices};
pub use finding::{Check, Finding, Status};
pub use report::Report;
