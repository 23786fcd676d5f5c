//! How long a sender is waited for: one timer for each connection, which is set anew as rarely as can be.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// What the sender is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    FirstByte,
    Head,
    End,
}

/// The time that a sender has left.
#[derive(Debug, Default)]
pub(super) struct SenderTimeout {
    /// What is waited for, and until when.
    awaited: Option<(Awaited, Instant)>,
    /// Kept from one request to the next. It may run out before the time is over, and is then set again: that is rarer
    /// than requests are.
    timer: Option<Pin<Box<Sleep>>>,
}

impl SenderTimeout {
    /// Whether nothing is waited for.
    pub(super) fn is_stopped(&self) -> bool {
        self.awaited.is_none()
    }

    /// What was waited for has come.
    pub(super) fn stop(&mut self) {
        self.awaited = None;
    }

    /// Ready when `awaited` has not come within `limit` from the first of these calls on.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        awaited: Awaited,
        limit: Duration,
    ) -> Poll<()> {
        let until = match self.awaited {
            Some((before, until)) if before == awaited => until,
            _ => Instant::now() + limit,
        };
        self.awaited = Some((awaited, until));
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= until {
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const LONG: Duration = Duration::from_mins(10);
    const SHORT: Duration = Duration::from_millis(50);

    async fn is_over(timeout: &mut SenderTimeout, awaited: Awaited, limit: Duration) -> bool {
        poll_fn(|context| Poll::Ready(timeout.poll(context, awaited, limit).is_ready())).await
    }

    #[tokio::test]
    async fn each_wait_has_its_whole_time_and_ends() {
        let mut timeout = SenderTimeout::default();
        assert!(!is_over(&mut timeout, Awaited::FirstByte, SHORT).await);
        tokio::time::sleep(SHORT / 2).await;
        timeout.stop();
        assert!(timeout.is_stopped());
        // The timer still runs for the first wait, and would be over too early.
        let begun = Instant::now();
        poll_fn(|context| timeout.poll(context, Awaited::FirstByte, SHORT)).await;
        assert!(begun.elapsed() >= SHORT);
        // And here it runs for one that is longer.
        timeout.stop();
        assert!(!is_over(&mut timeout, Awaited::FirstByte, LONG).await);
        poll_fn(|context| timeout.poll(context, Awaited::End, SHORT)).await;
        assert!(begun.elapsed() >= 2 * SHORT && begun.elapsed() < LONG);
    }
}
