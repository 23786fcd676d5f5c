//! A command of a pipeline and the node of the cluster that it goes to.

use std::collections::HashMap;
use std::sync::Arc;

use redis::{Arg, Cmd, Pipeline};

use crate::Error;

/// A command on its way to a node.
#[derive(Clone)]
pub(super) struct RoutedCommand<'a> {
    /// Its place in the caller's pipeline.
    pub(super) index: usize,
    pub(super) command: &'a Cmd,
    pub(super) node: Arc<str>,
    /// Whether the node must be told to make an exception for a slot that is not its own yet.
    pub(super) asking: bool,
}

/// These commands as one pipeline, with `ASKING` before those that need it.
pub(super) fn pack(commands: &[RoutedCommand<'_>]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for routed in commands {
        if routed.asking {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(routed.command.clone());
    }
    pipeline
}

/// Commands for the same node together, in order.
pub(super) fn by_node(commands: Vec<RoutedCommand<'_>>) -> Vec<Vec<RoutedCommand<'_>>> {
    let mut bundles: HashMap<Arc<str>, Vec<RoutedCommand<'_>>> = HashMap::new();
    for routed in commands {
        let bundle = bundles.entry(Arc::clone(&routed.node)).or_default();
        bundle.push(routed);
    }
    bundles.into_values().collect()
}

/// The key of a command: its first argument. A script has its text, or the hash of that, and the number of keys before
/// it.
pub(super) fn key(command: &Cmd) -> &[u8] {
    let mut arguments = command.args_iter();
    let place = match arguments.next() {
        Some(Arg::Simple(b"EVAL" | b"EVALSHA")) => 2,
        _ => 0,
    };
    match arguments.nth(place) {
        Some(Arg::Simple(key)) => key,
        _ => b"",
    }
}

/// The result of a command that was sent to no node, which never happens.
pub(super) fn unrouted(command: &'static str) -> Error {
    Error::Unexpected {
        address: "cluster".into(),
        command,
    }
}
