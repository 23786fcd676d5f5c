//! Commands that are sent together.

use super::command::Command;

/// Commands in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pipeline {
    before: Vec<Command>,
    /// The latest, to which arguments can still be added.
    latest: Option<Command>,
}

impl Pipeline {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a command of this name, to which arguments can be added.
    pub(crate) fn cmd(&mut self, name: &str) -> &mut Command {
        self.before.extend(self.latest.take());
        self.latest.insert(Command::new(name))
    }

    /// Adds a command.
    pub(crate) fn add_command(&mut self, command: Command) {
        self.before.extend(self.latest.replace(command));
    }

    /// The commands.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.before.iter().chain(&self.latest)
    }
}
