//! Says in the log, days before, which certificate is to be renewed.

use std::time::Duration;

use jiff::Timestamp;
use kenwell::{connection::TimeNotice, doctor};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{DestinationView, Runtime};
use crate::listener::ServerIdentity;

/// How often certificates are looked at: it is a matter of days.
const INTERVAL: Duration = Duration::from_hours(6);

/// What the log has been told already, when the configuration was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AlreadyLogged {
    /// What is to be said of certificates in the settings.
    Settings,
    Nothing,
}

impl Runtime {
    /// Looks at the certificates of listeners and destinations, and at those that the servers show, until `stop`.
    pub async fn watch_certificates(self, stop: CancellationToken) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut logged = AlreadyLogged::Settings;
        let looking = async {
            loop {
                ticks.tick().await;
                self.log_times(logged).await;
                logged = AlreadyLogged::Nothing;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    async fn log_times(&self, logged: AlreadyLogged) {
        let config = self.config();
        let listeners = [
            ("gateway", config.gateway.tls.as_ref()),
            ("private", config.private.tls.as_ref()),
        ];
        for (listener, identity) in listeners {
            log_listener(listener, identity, logged);
        }
        for running in self.destinations().iter() {
            if running.settings.enabled {
                log_destination(running, logged).await;
            }
        }
    }
}

/// Clients judge the certificate of a listener: when its time is over, an operator is needed.
fn log_listener(listener: &str, identity: Option<&ServerIdentity>, logged: AlreadyLogged) {
    let current = identity.and_then(|identity| identity.reread().ok());
    let now = Timestamp::now().as_second();
    let notices = current.map_or_else(Vec::new, |identity| identity.time_notices(now));
    for TimeNotice {
        says,
        cure,
        is_out_of_time,
        ..
    } in notices
    {
        if is_out_of_time {
            tracing::error!(
                listener,
                "tls_certificate: {says}, and clients refuse it; {cure}"
            );
        } else if logged == AlreadyLogged::Nothing {
            tracing::warn!(listener, "tls_certificate: {says}; {cure}");
        }
    }
}

/// A destination whose certificates are out of time waits, and loses nothing.
async fn log_destination(running: &DestinationView, logged: AlreadyLogged) {
    let id = running.id();
    for notice in doctor::time_notices(&running.settings.connection).await {
        if logged == AlreadyLogged::Settings && notice.setting != "address" {
            continue;
        }
        let TimeNotice {
            setting,
            says,
            cure,
            ..
        } = notice;
        tracing::warn!(destination.id = id, "{setting}: {says}; {cure}");
    }
}
