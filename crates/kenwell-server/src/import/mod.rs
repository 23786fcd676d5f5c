//! Configurations of other systems, turned into ours.
//!
//! `rudderstack` reads a `workspaceConfig.json`, `redis` the settings of one Redis destination in it,
//! `loose` finds keys as Go does, and `draft` writes the file.

mod draft;
mod loose;
mod redis;
mod rudderstack;

pub use draft::Imported;
pub use rudderstack::{MAX_FILE_BYTES, NotImported, rudderstack};
