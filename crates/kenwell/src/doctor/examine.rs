//! The examination: one check after the other, until one fails that the next ones need.

use std::collections::BTreeMap;

use super::finding::{Check, Finding, Status};
use super::info::Info;
use super::report::Report;
use super::{
    expiry, explain, login, marker, memory, network, probe, rights, round_trip, server, tls,
};
use crate::connection::{Connection, Settings, StagedConnection, servers};
use crate::profile::{Expiry, Layout};

/// Examines the way to a Redis, and the Redis, for profiles that stay.
///
/// Each step takes at most `connect_timeout` or `command_timeout`; about twenty steps. Safe
/// while others use the server: it writes one random key below the layout's prefix, which is
/// deleted at once and expires by itself if that fails.
pub async fn examine(settings: &Settings, layout: &Layout) -> Report {
    examine_expiring(settings, layout, &Expiry::default()).await
}

/// Examines as [`examine`] does, and whether profiles and fields can expire as they are to.
pub async fn examine_expiring(settings: &Settings, layout: &Layout, expiry: &Expiry) -> Report {
    let servers = match servers(settings).await {
        Ok(servers) => servers,
        Err(error) => return Report::new(vec![explain::failed(Check::Settings, &error)]),
    };
    let mut report = Report::new(Vec::new());
    for server in servers {
        let mut findings = Vec::with_capacity(Check::ALL.len());
        // `None` only says that the rest was not reached.
        let rules = (layout, expiry);
        let _reached_the_end = walk(settings, server.clone(), rules, &mut findings).await;
        if settings.sentinel_master.is_some() {
            for finding in &mut findings {
                explain::announced(finding, &server);
            }
        }
        report = Report::new(findings);
        let connected = report.finding(Check::Connect);
        if connected.is_some_and(|found| found.status == Status::Ok) {
            break; // one node of a cluster speaks for all
        }
    }
    report
}

async fn walk(
    settings: &Settings,
    server: String,
    (layout, expiry): (&Layout, &Expiry),
    findings: &mut Vec<Finding>,
) -> Option<()> {
    let one = Settings {
        address: server,
        sentinel_master: None,
        sentinel_username: None,
        sentinel_password: None,
        // Of what the Sentinels say it was asked already.
        address_map: if settings.cluster_mode {
            settings.address_map.clone()
        } else {
            BTreeMap::new()
        },
        ..settings.clone()
    };
    let staged = StagedConnection::new(&one);
    let failed = |error| findings.push(explain::failed(Check::Settings, &error));
    let mut staged = staged.map_err(failed).ok()?;
    findings.push(expiry::of_settings(&one));
    let socket = network::reach(&staged, findings).await?;
    let socket = tls::secure(&staged, socket, findings).await?;
    login::log_in(&mut staged, socket, findings).await?;
    let rights = rights::examine(&mut staged, layout, expiry, findings).await?;
    login::select(&mut staged, findings).await?;
    let marked = marker::examine(&mut staged, layout).await;
    let info = Info::ask(&mut staged).await;
    findings.extend(server::examine(&info, settings));
    findings.extend(memory::examine(&info, expiry));
    findings.push(marked);
    let obstacle = findings.iter().find(|found| {
        let bars_the_way = matches!(found.check, Check::Database | Check::Topology);
        bars_the_way && found.status == Status::Failed
    });
    if let Some(obstacle) = obstacle {
        let reason = format!("not reached: see {}", obstacle.check);
        let unreached = [Check::Probe, Check::RoundTrip];
        findings.extend(unreached.map(|check| check.skipped(reason.as_str())));
        return None;
    }
    let connection = Connection::new(settings.clone());
    let failed = |error| findings.push(explain::failed(Check::Probe, &error));
    let connection = connection.map_err(failed).ok()?;
    findings.push(probe::examine(&connection, layout, &rights).await);
    findings.push(round_trip::examine(&connection).await);
    Some(())
}
