//! Connections to Redis: settings, opening, sending, and opening again when a connection broke.

mod address;
mod address_map;
mod address_source;
mod call_table;
mod client_id;
mod client_name;
mod close;
#[cfg_attr(not(feature = "cluster"), path = "without_cluster.rs")]
mod cluster;
mod command_buffer;
mod command_queue;
mod credentials;
mod deadline;
mod dial;
mod draining_socket;
mod file;
mod group;
mod key_order;
mod limits;
mod liveness;
mod login;
mod moving_pipeline;
#[cfg(feature = "tls")]
pub mod pem;
mod raw_connection;
mod reply_decoder;
mod reply_limits;
mod reply_scanner;
mod resolver;
mod route;
mod secret;
mod send_options;
#[cfg_attr(not(feature = "sentinel"), path = "without_sentinel.rs")]
mod sentinel;
mod server_connection;
mod server_kind;
mod settings;
mod shared_connection;
mod slot;
#[cfg(feature = "cluster")]
mod slot_map;
mod socket_task;
mod spare_buffers;
#[cfg(feature = "doctor")]
mod staged_connection;
mod target;
mod tcp;
#[cfg_attr(not(feature = "tls"), path = "without_tls.rs")]
mod tls;
#[cfg(feature = "cluster")]
mod topology;
mod url;

pub(crate) use address::Address;
#[cfg(feature = "doctor")]
pub(crate) use address_source::was_announced;
pub(crate) use call_table::Access;
pub(crate) use command_buffer::{CommandBuffer, arguments_of, key_of};
pub(crate) use deadline::Deadline;
pub(crate) use group::{Answers, Group};
pub(crate) use key_order::{KeyOrder, OrderTicket};
pub use route::Connection;
pub use secret::Secret;
pub(crate) use send_options::SendOptions;
#[cfg(feature = "doctor")]
pub(crate) use sentinel::servers;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub(crate) use slot::slot_of;
#[cfg(feature = "doctor")]
pub(crate) use staged_connection::{Socket, StagedConnection};
#[cfg(feature = "tls")]
pub use tls::{Identity, TimeNotice, certificate_expiry, time_notices, tls_reason};
#[cfg(feature = "doctor")]
pub(crate) use tls::{listed_names, notice};
pub use url::Url;
