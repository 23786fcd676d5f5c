//! Configurations of other systems, turned into ours.
//!
//! `rudderstack` reads a `workspaceConfig.json`, `redis` the settings of one Redis destination in it,
//! `loose` finds keys as Go does, `draft` writes the file, and `shadow` has it write beside the other system.

mod draft;
mod error;
mod loose;
mod redis;
mod rudderstack;
mod shadow;

pub use draft::Imported;
pub use error::NotImported;
pub use rudderstack::{MAX_FILE_BYTES, rudderstack, rudderstack_shadow};
pub use shadow::ShadowPlace;
