//! The master that Sentinels watch: asked for before each new connection, and every now and then.

mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::watcher::{MAX_MASTERS, SentinelWatcher};
use super::Settings;
use super::address_source::AddressSource;
use super::client_name::ClientName;
use super::deadline::Deadline;
use super::limits::OTHERS;
use super::server_connection::ServerConnection;
use super::server_kind::ServerKind;
use super::target::Target;
use crate::Error;

/// A connection to whatever server the Sentinels call the master.
pub(super) struct SentinelMaster {
    watcher: Arc<SentinelWatcher>,
    name: Option<Arc<ClientName>>,
    masters: Mutex<KnownMasters>,
    /// Held while asking.
    asking: tokio::sync::Mutex<()>,
}

/// The servers that were master while this connection was used. They stay: one that becomes master again
/// must first forget what was sent to it before, and only its own connection knows what that was.
#[derive(Default)]
struct KnownMasters {
    all: HashMap<String, ServerConnection>,
    current: Option<ServerConnection>,
    /// How often one was found.
    found: u64,
}

impl SentinelMaster {
    pub(super) fn new(
        settings: &Settings,
        name: &str,
        sentinels: Vec<Target>,
    ) -> Result<Self, Error> {
        Ok(Self {
            watcher: Arc::new(SentinelWatcher::new(settings, name, sentinels)?),
            name: None,
            masters: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The same master on a socket of its own that is opened under this name.
    pub(super) fn named(&self, name: Option<Arc<ClientName>>) -> Arc<Self> {
        Arc::new(Self {
            watcher: Arc::clone(&self.watcher),
            name,
            masters: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The connection to the master of now. After every error that closes it, `READONLY` among them, the next call asks
    /// the Sentinels again.
    pub(super) async fn master(&self, limit: Option<Deadline>) -> Result<ServerConnection, Error> {
        SentinelWatcher::keep_asking(&self.watcher);
        let (master, found) = self.known();
        if let Some(master) = master {
            return Ok(master);
        }
        // Seldom needed, and large.
        let master = Box::pin(self.find_anew(found));
        let Some(limit) = limit else {
            return master.await;
        };
        let master = limit.wait(master).await;
        let sentinels = &self.watcher.settings.address;
        master.unwrap_or_else(|| {
            Err(limit.exceeded("asking the Sentinels", &sentinels.as_str().into()))
        })
    }

    /// The connections to all masters that were used.
    pub(super) fn servers(&self) -> Vec<ServerConnection> {
        self.masters().all.values().cloned().collect()
    }

    /// The master, while nothing speaks against it, and how often one was found so far.
    fn known(&self) -> (Option<ServerConnection>, u64) {
        let masters = self.masters();
        let good =
            |node: &&ServerConnection| self.watcher.still_names(node) && node.shared.is_open();
        (
            masters.current.as_ref().filter(good).cloned(),
            masters.found,
        )
    }

    fn found_since(&self, before: u64) -> Option<ServerConnection> {
        let masters = self.masters();
        let current = masters.current.as_ref();
        current.filter(|_| masters.found != before).cloned()
    }

    async fn find_anew(&self, before: u64) -> Result<ServerConnection, Error> {
        // Calls that all lost the same master ask once. The one that asks may be on a runtime that stands
        // still; the others do not wait for it for ever.
        let _asking = Deadline::of(OTHERS).wait(self.asking.lock()).await;
        if let Some(master) = self.found_since(before) {
            return Ok(master);
        }
        let watcher = &self.watcher;
        let address = watcher.find().await?;
        let name = address.to_string();
        let known = self.masters().all.get(&name).cloned();
        let node = if let Some(node) = known {
            node
        } else {
            let settings = watcher.settings.clone();
            let source = Some(AddressSource::Sentinel);
            let target = settings.target(address, ServerKind::Master, source)?;
            ServerConnection::new(settings, target, self.name.clone())
        };
        let mut masters = self.masters();
        if masters.all.len() >= MAX_MASTERS {
            masters.all.clear();
        }
        // Another task may have been faster; both must use the same socket.
        let node = masters.all.entry(name).or_insert(node).clone();
        tracing::debug!(master = %watcher.name, redis.address = %node.address(), "found through the Sentinels");
        masters.current = Some(node.clone());
        masters.found += 1;
        Ok(node)
    }

    fn masters(&self) -> MutexGuard<'_, KnownMasters> {
        // Every change is complete in itself, so a panic elsewhere leaves it usable.
        let masters = self.masters.lock();
        masters.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The servers to start from: those of the address, or the master that the Sentinels name now.
pub(crate) async fn servers(settings: &Settings) -> Result<Vec<String>, Error> {
    let targets = settings.targets()?;
    if let Some(name) = &settings.sentinel_master {
        let watcher = SentinelWatcher::new(settings, name, targets)?;
        return Ok(vec![watcher.find().await?.to_string()]);
    }
    let addresses = targets.iter().map(|target| target.address.to_string());
    Ok(addresses.collect())
}
