//! A command of a pipeline and the node of the cluster that it goes to.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::command_buffer::CommandBuffer;
use crate::Error;
use crate::resp::Command;

/// A command on its way to a node.
#[derive(Clone)]
pub(super) struct RoutedCommand<'a> {
    /// Its place in the caller's pipeline.
    pub(super) index: usize,
    /// Encoded.
    pub(super) command: &'a [u8],
    pub(super) node: Arc<str>,
    /// Whether the node must be told to make an exception for a slot that is not its own yet.
    pub(super) asking: bool,
}

/// These commands together, with `ASKING` before those that need it.
pub(super) fn pack(commands: &[RoutedCommand<'_>]) -> CommandBuffer {
    let bytes = commands.iter().map(|routed| routed.command.len()).sum();
    let mut pipeline = CommandBuffer::with_capacity(commands.len(), bytes);
    for routed in commands {
        if routed.asking {
            pipeline.add_command(&Command::new("ASKING"));
        }
        pipeline.add_encoded(routed.command);
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

/// The result of a command that was sent to no node, which never happens.
pub(super) fn unrouted(command: &'static str) -> Error {
    Error::Unexpected {
        address: "cluster".into(),
        command,
    }
}
