//! The way of a profile, walked once: write, read, delete.

use super::explain;
use super::finding::{Check, Finding};
use super::rights::{Rights, probe_user};
use crate::Error;
use crate::connection::Connection;
use crate::profile::{self, DataType, Layout};
use crate::resp::{Command, Pipeline};

/// How long the probe's key stays at most, in seconds.
const LIFETIME_SECONDS: u32 = 60;

/// Writes a profile as the delivery does, reads it and deletes it.
pub(super) async fn examine(connection: &Connection, layout: &Layout, rights: &Rights) -> Finding {
    let (write, read) = match layout.data_type {
        DataType::Hash => ("HSET", "HGETALL"),
        DataType::Json => ("JSON.MERGE", "JSON.GET"),
    };
    if !rights.allow(write) {
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
    let walked = walk(connection, layout, &user, rights, [write, read]).await;
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
    rights: &Rights,
    [write, read]: [&'static str; 2],
) -> Result<Finding, Error> {
    let key = &layout.key(user)[..];
    let document = format!(r#"{{"probe":"{user}"}}"#);
    let mut pipeline = Pipeline::new();
    let command = pipeline.cmd(write).arg(key);
    match layout.data_type {
        DataType::Hash => command.arg("probe").arg(user),
        DataType::Json => command.arg("$").arg(&document),
    };
    pipeline.cmd("EXPIRE").arg(key).arg(LIFETIME_SECONDS);
    for reply in connection.send(write, &pipeline).await? {
        reply?;
    }
    let mut done = vec!["written"];
    if rights.allow(read) {
        let came_back = match layout.data_type {
            DataType::Hash => {
                let expected = vec![(b"probe".to_vec(), user.as_bytes().to_vec())];
                profile::read(connection, layout, user).await? == Some(expected)
            }
            DataType::Json => {
                let stored = profile::read_document(connection, layout, user).await?;
                stored == Some(document.into_bytes())
            }
        };
        if !came_back {
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
    let delete = Command::new("DEL").arg(key).take();
    connection.one("DEL", delete).await.map(drop)
}
