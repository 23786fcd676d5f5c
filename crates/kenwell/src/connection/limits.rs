//! How long the nodes of a cluster, and Sentinels, are asked about others.

use std::time::Duration;

/// The longest to wait for one node's, or one Sentinel's, answer about the others, unless the
/// settings allow even less. Another one can be asked instead.
pub(super) const QUESTION_LIMIT: Duration = Duration::from_secs(2);

/// How long to wait for another task that is asking.
pub(super) const OTHERS: Duration = Duration::from_millis(500);
