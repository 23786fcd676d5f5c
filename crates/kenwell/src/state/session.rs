//! A session: what belongs to one conversation and ends with it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Json, JsonError, Timestamp};

/// The session of a user. It is over when it was not touched for
/// [`expires_after`](super::SessionElement::expires_after).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    pub(super) id: Option<String>,
    pub(super) data: Option<Json>,
    pub(super) state: Option<Json>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
}

impl Session {
    /// A new session. It begins when it is saved first.
    pub fn new(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..Self::default()
        }
    }

    /// Its id, when it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What the application keeps in it, as a type of the program.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, JsonError> {
        self.data.as_ref().map(Json::to).transpose()
    }

    /// Keeps this in it.
    pub fn set_data<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), JsonError> {
        self.data = Some(Json::of(data)?);
        Ok(())
    }

    /// The data as it is, as JSON.
    pub fn data_json(&self) -> Option<&Json> {
        self.data.as_ref()
    }

    /// Where in the conversation the user is (Jovo's state stack), as JSON.
    pub fn state_json(&self) -> Option<&Json> {
        self.state.as_ref()
    }

    /// Says where in the conversation the user is; `None` for nowhere.
    pub fn set_state_json(&mut self, state: Option<Json>) {
        self.state = state;
    }

    /// When it began; `None` until it was saved.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// When it was last loaded, which is what its expiry counts from; `None` until it was saved.
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at
    }
}
