//! Which parts of a record are stored at all, and how sessions expire and histories end.

use std::time::Duration;

/// How long a session lives without being touched, unless something else is said: 15 minutes.
pub const DEFAULT_SESSION_EXPIRY: Duration = Duration::from_mins(15);

/// How many turns a history keeps, unless something else is said.
pub const DEFAULT_HISTORY_SIZE: usize = 3;

/// What is stored: the defaults are those of Jovo, the user's data and the two timestamps.
///
/// ```
/// use kenwell::state::{HistoryElement, SessionElement, StoredElements};
///
/// let elements = StoredElements {
///     session: Some(SessionElement::default()),
///     history: Some(HistoryElement { size: 10, fields: None }),
///     ..StoredElements::default()
/// };
/// assert!(elements.user && elements.created_at && elements.updated_at);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredElements {
    /// What the application keeps about the user.
    pub user: bool,
    /// The session, if it is to be stored.
    pub session: Option<SessionElement>,
    /// The last turns, if they are to be stored.
    pub history: Option<HistoryElement>,
    /// When the user was first stored.
    pub created_at: bool,
    /// When the user was last stored.
    pub updated_at: bool,
}

impl Default for StoredElements {
    fn default() -> Self {
        Self {
            user: true,
            session: None,
            history: None,
            created_at: true,
            updated_at: true,
        }
    }
}

/// How sessions are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionElement {
    /// A stored session that was not touched for longer than this is over: the record is loaded
    /// without it. Independent of an entry's time to live.
    pub expires_after: Duration,
}

impl Default for SessionElement {
    fn default() -> Self {
        Self {
            expires_after: DEFAULT_SESSION_EXPIRY,
        }
    }
}

/// How histories are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryElement {
    /// How many items are kept, the newest ones.
    pub size: usize,
    /// The fields of a new item that are kept, in the order in which they are written; `None` for
    /// items as they are. Items that are no objects always stay as they are.
    pub fields: Option<Vec<String>>,
}

impl Default for HistoryElement {
    /// Jovo's: three turns with `output` and `nlu`.
    fn default() -> Self {
        Self {
            size: DEFAULT_HISTORY_SIZE,
            fields: Some(vec!["output".to_owned(), "nlu".to_owned()]),
        }
    }
}
