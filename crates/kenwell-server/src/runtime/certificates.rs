//! Says in the log, days before, which certificate is to be renewed, and keeps for the metrics when each expires.

use std::time::Duration;

use jiff::Timestamp;
use kenwell::{connection::TimeNotice, doctor};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{DestinationView, Runtime};
use crate::{
    config::Config,
    listener::ServerIdentity,
    metrics::{CertificateExpiry, CertificateOwner},
    mutex::lock,
};

/// How often certificates are looked at. It is a matter of days; but a renewed one should end an alarm soon.
const INTERVAL: Duration = Duration::from_hours(1);
/// The log is told at every so many looks.
const LOOKS_PER_LINE: u32 = 6;

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
            for look in (0..LOOKS_PER_LINE).cycle() {
                ticks.tick().await;
                let expiries = self.expiries().await;
                *lock(&self.inner.certificates) = expiries;
                if look == 0 {
                    self.log_times(logged).await;
                    logged = AlreadyLogged::Nothing;
                }
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    /// When certificates expire, as of the last look; those of destinations that are not configured any more are left
    /// out.
    pub fn certificates(&self) -> Vec<CertificateExpiry> {
        let config = self.config();
        let mut expiries = lock(&self.inner.certificates).clone();
        expiries.retain(|expiry| match &expiry.owner {
            CertificateOwner::Listener(_) => true,
            CertificateOwner::Destination { id, .. } => config.destination(id).is_some(),
        });
        expiries
    }

    async fn expiries(&self) -> Vec<CertificateExpiry> {
        let config = self.config();
        let listeners = listeners(&config).into_iter();
        let of_listeners = listeners.filter_map(|(name, identity)| {
            let current = identity?.reread().ok()?;
            Some(CertificateExpiry {
                owner: CertificateOwner::Listener(name),
                expires_at: current.expires_at()?,
            })
        });
        let mut expiries: Vec<_> = of_listeners.collect();
        for running in self.destinations().iter() {
            if !running.settings.enabled {
                continue;
            }
            let found = doctor::certificate_expiries(&running.settings.connection).await;
            expiries.extend(
                found
                    .into_iter()
                    .map(|(setting, expires_at)| CertificateExpiry {
                        owner: CertificateOwner::Destination {
                            id: running.id().to_owned(),
                            setting,
                        },
                        expires_at,
                    }),
            );
        }
        expiries
    }

    async fn log_times(&self, logged: AlreadyLogged) {
        let config = self.config();
        for (listener, identity) in listeners(&config) {
            log_listener(listener, identity, logged);
        }
        for running in self.destinations().iter() {
            if running.settings.enabled {
                log_destination(running, logged).await;
            }
        }
    }
}

/// The listeners, and what they show.
fn listeners(config: &Config) -> [(&'static str, Option<&ServerIdentity>); 2] {
    [
        ("gateway", config.gateway.tls.as_ref()),
        ("private", config.private.tls.as_ref()),
    ]
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
