//! The way of a profile, walked once: write, read, delete.

use redis::Pipeline;

use super::explain;
use super::finding::{Check, Finding};
use super::rights::{Rights, probe_user};
use crate::Error;
use crate::connection::Connection;
use crate::profile::{self, Layout};

/// How long the probe's key stays at most, in seconds.
const LIFETIME_SECONDS: u32 = 60;

/// Writes a profile as the delivery does, reads it and deletes it.
pub(super) async fn examine(connection: &Connection, layout: &Layout, rights: &Rights) -> Finding {
    if !rights.allow("HSET") {
        return Check::Probe.skipped("profiles may not be written: see rights");
    }
    if !rights.allow("EXPIRE") {
        return Check::Probe
            .skipped("the user may not run EXPIRE, so the probe's key might stay")
            .with_cure(
                "to let the doctor write, grant +expire +del; Kenwell itself needs neither",
            );
    }
    let user = probe_user();
    let key = layout.key(&user);
    let walked = walk(connection, layout, &user, &key, rights).await;
    if rights.allow("DEL") && walked.is_err() {
        // It expires in any case.
        let _deleted = delete(connection, &key).await;
    }
    match walked {
        Ok(finding) => finding,
        Err(error) => explain::failed(Check::Probe, &error),
    }
}

async fn walk(
    connection: &Connection,
    layout: &Layout,
    user: &str,
    key: &[u8],
    rights: &Rights,
) -> Result<Finding, Error> {
    let mut pipeline = Pipeline::new();
    pipeline.cmd("HSET").arg(key).arg("probe").arg(user);
    pipeline.cmd("EXPIRE").arg(key).arg(LIFETIME_SECONDS);
    for reply in connection.send("HSET", &pipeline).await? {
        reply?;
    }
    let mut done = vec!["written"];
    if rights.allow("HGETALL") {
        let stored = profile::read(connection, layout, user).await?;
        let expected = vec![(b"probe".to_vec(), user.as_bytes().to_vec())];
        if stored != Some(expected) {
            return Ok(Check::Probe.failed(
                "what was written did not come back",
                "see whether `address` is a proxy that answers from another Redis, or a cache",
            ));
        }
        done.push("read");
    }
    if rights.allow("DEL") {
        delete(connection, key).await?;
        done.push("deleted");
    } else {
        done.push("left to expire within a minute");
    }
    let place = String::from_utf8_lossy(key);
    let place = place.strip_suffix(user).unwrap_or_default();
    Ok(Check::Probe.ok(format!("a profile below {place} was {}", done.join(", "))))
}

async fn delete(connection: &Connection, key: &[u8]) -> Result<(), Error> {
    let delete = redis::cmd("DEL").arg(key).take();
    connection.one("DEL", delete).await.map(drop)
}
