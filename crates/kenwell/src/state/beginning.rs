//! The beginning of a store's call: hooks may take their time, and calls of one user keep their order all the
//! same.

use std::future::poll_fn;
use std::pin::pin;

use super::{Error, StateStore};
use crate::connection::{Access, Deadline, OrderTicket, SendOptions};

/// A call whose keys and values are not known yet.
pub(super) struct Beginning {
    turn: Option<OrderTicket>,
    limit: Deadline,
}

impl StateStore {
    /// Begins a call on the entries of these users.
    pub(super) fn begin(&self, user_ids: &[&str], effect: Access) -> Beginning {
        let setup = &self.setup;
        let users = user_ids.iter().map(|id| setup.users.hash(id.as_bytes()));
        let limit = setup.connection.limit();
        let turns = setup.users.begin([(effect, users.collect())], limit);
        let turn = turns.into_iter().next();
        Beginning { turn, limit }
    }
}

impl Beginning {
    /// Executes the call itself when all older ones of its users have come that far.
    pub(super) async fn then<T>(
        mut self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let turns: Vec<&OrderTicket> = self.turn.iter().collect();
        let terms = SendOptions {
            limit: Some(self.limit),
            turns: &turns,
        };
        terms.alone().await?;
        let mut call = pin!(call);
        poll_fn(|context| {
            let polled = call.as_mut().poll(context);
            // Polled once, it has its place among those on the same keys.
            self.turn = None;
            polled
        })
        .await
    }
}
