//! A call of the store that has begun while its hooks still name keys and make values: calls of one user keep
//! their order however long the hooks take.

use std::future::poll_fn;
use std::pin::pin;

use super::{Error, StateStore};
use crate::connection::{Access, Deadline, OrderTicket, SendOptions};

/// A call whose keys and values are not known yet, with its place among the calls of its users.
pub(super) struct PendingCall {
    ticket: Option<OrderTicket>,
    limit: Deadline,
}

impl StateStore {
    /// Begins a call on the entries of these users.
    pub(super) fn begin(&self, user_ids: &[&str], access: Access) -> PendingCall {
        let config = &self.config;
        let limit = config.connection.limit();
        if !config.waits_for_hooks() {
            // Keys and values are known at once, and the calls take their places by key.
            let ticket = None;
            return PendingCall { ticket, limit };
        }
        let users = user_ids.iter().map(|id| config.users.hash(id.as_bytes()));
        let tickets = config.users.begin([(access, users.collect())], limit);
        let ticket = tickets.into_iter().next();
        PendingCall { ticket, limit }
    }
}

impl PendingCall {
    /// Executes the call itself when all older ones of its users have come that far.
    pub(super) async fn run<T>(
        mut self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if let Some(ticket) = &self.ticket {
            let options = SendOptions {
                limit: Some(self.limit),
                tickets: &[ticket],
            };
            options.wait_for_older().await?;
        }
        let mut call = pin!(call);
        poll_fn(|context| {
            let polled = call.as_mut().poll(context);
            // Polled once, it has its place among those on the same keys.
            self.ticket = None;
            polled
        })
        .await
    }
}
