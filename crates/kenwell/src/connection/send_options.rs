//! Until when something that is sent must be answered, and behind which calls it waits.

use std::sync::Arc;

use super::call_table::NO_CONNECTION;
use super::deadline::Deadline;
use super::key_order::{Admission, OlderCall, OrderTicket, send_in_order};
use super::settings::DEFAULT_TIMEOUT;
use crate::Error;

/// How something is sent. Without tickets it waits for no other call.
#[derive(Clone, Copy, Default)]
pub(crate) struct SendOptions<'a> {
    /// When it must have been answered; `None` leaves that to the settings.
    pub(crate) limit: Option<Deadline>,
    /// The places of its calls in the order.
    pub(crate) tickets: &'a [&'a OrderTicket],
}

impl SendOptions<'_> {
    /// Waits until every older call has ended: for calls that may be answered on several sockets, one
    /// after the other.
    pub(crate) async fn wait_for_older(self) -> Result<(), Error> {
        loop {
            match send_in_order(self.tickets, NO_CONNECTION, NO_CONNECTION, || ()) {
                Admission::Sent(()) => return Ok(()),
                Admission::Blocked(older) => {
                    // Boxed, since it is rare.
                    Box::pin(self.wait_behind(older, &"the server".into())).await?;
                }
            }
        }
    }

    /// Waits for the older call that comes first; without one it is too late.
    pub(super) async fn wait_behind(
        self,
        older: Option<OlderCall>,
        address: &Arc<str>,
    ) -> Result<(), Error> {
        let limit = self.limit.unwrap_or_else(|| Deadline::of(DEFAULT_TIMEOUT));
        let waited = match older {
            Some(older) => limit.wait(older.wait()).await,
            None => None,
        };
        waited.ok_or_else(|| limit.exceeded("waiting for older calls", address))
    }
}
