//! Whether a Redis that lost writes would be noticed: the user must be permitted to write the marker and to ask
//! which server it is (`INFO`).

use super::explain;
use super::finding::{Check, Finding};
use super::login;
use super::rights::{Permission, permission, quoted};
use crate::Error;
use crate::connection::StagedConnection;
use crate::profile::Layout;
use crate::resp::Command;

/// Tries both without changing anything: rights are checked before the number of arguments is.
pub(super) async fn examine(staged: &mut StagedConnection, layout: &Layout) -> Finding {
    let pattern = layout.marker_pattern();
    let fields = ["a", "1", "b"];
    let write = Command::new("HSET").arg(&pattern).args(fields).take();
    let read = Command::new("HGETALL").arg(&pattern).take();
    let info = Command::new("INFO").arg("server").take();
    let mut permissions = Vec::new();
    for (name, command) in [("HSET", write), ("HGETALL", read), ("INFO", info)] {
        match staged.ask(name, &command).await {
            Err(error @ (Error::Lost { .. } | Error::Timeout { .. })) => {
                return explain::failed(Check::Marker, &error);
            }
            reply => permissions.push(permission(reply.err().as_ref())),
        }
    }
    judge(&permissions, &login::user(staged.settings()), &pattern)
}

fn judge(permissions: &[Permission], user: &str, pattern: &str) -> Finding {
    let missing = permissions.iter().zip(["+hset", "+hgetall", "+info"]);
    let missing = missing.filter(|(permission, _)| **permission == Permission::CommandDenied);
    let mut words: Vec<String> = missing.map(|(_, grant)| grant.to_owned()).collect();
    if permissions.contains(&Permission::KeyDenied) {
        words.insert(0, quoted(&format!("~{pattern}")));
    }
    let cure = format!(
        "as an administrator of Redis: ACL SETUSER {} {}",
        quoted(user),
        words.join(" ")
    );
    match permissions {
        [Permission::Allowed, Permission::Allowed, Permission::Allowed] => Check::Marker.ok(format!(
            "a Redis that came back with less is noticed, by {pattern}"
        )),
        [Permission::Allowed, Permission::Allowed, Permission::CommandDenied] => Check::Marker
            .ok(format!(
                "a Redis that came back with less is noticed, by {pattern}; without INFO a server that was emptied counts as one that lost its data"
            ))
            .with_cure(cure),
        [Permission::Allowed, Permission::Allowed, _] => Check::Marker.ok(format!(
            "a Redis that came back with less is noticed, by {pattern}; a server that was emptied counts as one that lost its data, since this one does not answer INFO"
        )),
        _ if words.is_empty() => Check::Marker.skipped("see rights"),
        _ => Check::Marker.warning(
            format!(
                "{user} may not read and write {pattern}: a Redis that came back with less is not noticed, and what it lost is not restored"
            ),
            cure,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn grants_what_is_missing() {
        use Permission::{Allowed, CommandDenied, CommandUnknown, KeyDenied};
        for (permissions, status, cure) in [
            ([Allowed, Allowed, Allowed], Status::Ok, None),
            (
                [Allowed, Allowed, CommandDenied],
                Status::Ok,
                Some("ACL SETUSER u +info"),
            ),
            ([Allowed, Allowed, CommandUnknown], Status::Ok, None),
            (
                [KeyDenied, KeyDenied, Allowed],
                Status::Warning,
                Some("ACL SETUSER u ~kenwell:applied:*"),
            ),
            (
                [KeyDenied, CommandDenied, CommandDenied],
                Status::Warning,
                Some("ACL SETUSER u ~kenwell:applied:* +hgetall +info"),
            ),
            ([CommandUnknown, Allowed, Allowed], Status::Skipped, None),
        ] {
            let found = judge(&permissions, "u", "kenwell:applied:*");
            assert_eq!(found.status, status, "{found:?}");
            let offered = found.cure.as_deref().and_then(|cure| cure.split_once(": "));
            assert_eq!(offered.map(|(_, line)| line), cure);
        }
    }
}
