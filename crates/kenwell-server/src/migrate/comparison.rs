//! Compares all profiles of one place in Redis with those of its shadow.

use std::time::Duration;

use kenwell::connection::Connection;
use kenwell::profile::{Layout, StoredProfile, read_many};
use kenwell::{Error, KeyWalk};

use super::profile_difference::{FieldDifference, Kind, differences};
use super::report::{DestinationReport, Values};
use crate::import::ShadowPlace;

/// How many users that differ are looked at again; beyond that they count as they are.
const MAX_LOOKED_AT_AGAIN: usize = 100_000;

/// How many of them are read together.
const READ_TOGETHER: usize = 200;

/// What a field means that only the other system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnlyThere {
    /// Something was not written.
    IsDifferent,
    /// It is older than the shadow, which began with nothing.
    IsOlder,
}

/// The two places of one destination.
pub(crate) struct Comparison {
    pub(crate) destination: String,
    /// The other system's.
    pub(crate) there: (Connection, Layout),
    /// Kenwell's.
    pub(crate) here: (Connection, Layout),
    pub(crate) place: ShadowPlace,
    pub(crate) only_there: OnlyThere,
    pub(crate) values: Values,
    /// How long to wait before users that differ are looked at again: both systems may be at work.
    pub(crate) settle: Duration,
}

impl Comparison {
    /// Compares all users, and calls `progress` with how many that were now and then. Only reads.
    ///
    /// # Errors
    /// Those of either connection.
    pub(crate) async fn run(&self, progress: impl Fn(u64)) -> Result<DestinationReport, Error> {
        let mut report = DestinationReport {
            destination: self.destination.clone(),
            ..DestinationReport::default()
        };
        let mut again: Vec<Vec<u8>> = Vec::new();
        let mut walk = KeyWalk::new(self.there.0.clone(), self.there.1.pattern()).await?;
        while let Some(keys) = walk.next_page().await? {
            self.add_page(&keys, &mut report, Some(&mut again)).await?;
            progress(report.users);
        }
        let mut walk = KeyWalk::new(self.here.0.clone(), self.here.1.pattern()).await?;
        while let Some(keys) = walk.next_page().await? {
            let keys = keys.iter().filter_map(|key| self.place.original(key));
            let keys: Vec<_> = keys.map(<[u8]>::to_vec).collect();
            let there = self.read(&self.there, &keys).await?;
            let is_absent = |(_, there): &(_, StoredProfile)| *there == StoredProfile::Absent;
            let only_here = keys.into_iter().zip(there).filter(is_absent);
            let only_here: Vec<_> = only_here.map(|(key, _)| key).collect();
            self.add_page(&only_here, &mut report, Some(&mut again))
                .await?;
            progress(report.users);
        }
        if !again.is_empty() {
            tokio::time::sleep(self.settle).await;
        }
        for keys in again.chunks(READ_TOGETHER) {
            self.add_page(keys, &mut report, None).await?;
        }
        Ok(report)
    }

    /// Compares the users with these keys. Those that differ are put off, where there is a list for that.
    async fn add_page(
        &self,
        keys: &[Vec<u8>],
        report: &mut DestinationReport,
        mut again: Option<&mut Vec<Vec<u8>>>,
    ) -> Result<(), Error> {
        let there = self.read(&self.there, keys).await?;
        let shadows: Vec<_> = keys.iter().map(|key| self.place.key(key)).collect();
        let here = self.read(&self.here, &shadows).await?;
        for (key, (there, here)) in keys.iter().zip(there.iter().zip(&here)) {
            if self.only_there == OnlyThere::IsOlder && *here == StoredProfile::Absent {
                report.users_only_there += 1;
                continue;
            }
            let found = self.found(there, here);
            let differs = found.iter().any(|it| !it.kind.is_documented());
            match &mut again {
                Some(again) if differs && again.len() < MAX_LOOKED_AT_AGAIN => {
                    again.push(key.clone());
                }
                _ => report.add(key, &found, self.values),
            }
        }
        Ok(())
    }

    /// What differs and counts.
    fn found(&self, there: &StoredProfile, here: &StoredProfile) -> Vec<FieldDifference> {
        let mut found = differences(there, here);
        if self.only_there == OnlyThere::IsOlder {
            found.retain(|it| it.kind != Kind::OnlyThere);
        }
        found
    }

    async fn read(
        &self,
        (connection, layout): &(Connection, Layout),
        keys: &[Vec<u8>],
    ) -> Result<Vec<StoredProfile>, Error> {
        read_many(connection, layout.data_type, keys).await
    }
}
