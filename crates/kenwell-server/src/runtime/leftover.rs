//! Removing a destination that the file does not have: what is left of it are events that wait.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    Runtime,
    apply::DestinationRuntimes,
    change::NewVersion,
    config_file::FileText,
    edit::Applied,
    error::EditError,
    reload::{Obstacle, Occasion},
    removal::GivenUp,
};

/// How long a removal waits until it is known how many events wait.
const COUNTING: Duration = Duration::from_secs(5);

impl Runtime {
    /// Removes one that runs on for the events that wait for it, or one that is retired.
    pub(super) async fn remove_leftover(
        &self,
        lines: &mut DestinationRuntimes,
        file: FileText,
        id: &str,
        give_up: u64,
    ) -> Result<Applied, EditError> {
        let inner = &self.inner;
        let id = id.to_owned();
        if let Some(line) = lines.get(&id) {
            refuse_more(&id, line.waiting(), give_up)?;
            let removed = GivenUp::from([(id.clone(), give_up)]);
            let checked = self.check(lines, file.text, Occasion::Asked, &removed);
            let not_in_force =
                |obstacle: Obstacle| EditError::NotInForce(Box::new(obstacle.problems()));
            let version = NewVersion::of(checked.await.map_err(not_in_force)?, removed);
            self.carry_out(lines, version).await?;
        } else if inner.retired.has(&id) {
            // What is not counted yet cannot be given up.
            drop(timeout(COUNTING, self.counted()).await);
            let not_counted = || EditError::NotCounted { id: id.clone() };
            let events = inner.retired.waiting(&id).ok_or_else(not_counted)?;
            refuse_more(&id, events, give_up)?;
            let ended = inner.retired.end(&id, &inner.ground());
            ended.map_err(EditError::NotApplied)?;
        } else {
            let kind = "destination";
            return Err(EditError::NotFound { kind, id });
        }
        Ok(Applied {
            ids: vec![id],
            shadowed: Vec::new(),
        })
    }
}

/// An error when more events wait than are given up.
fn refuse_more(id: &str, events: u64, give_up: u64) -> Result<(), EditError> {
    if events <= give_up {
        return Ok(());
    }
    Err(EditError::EventsWait {
        id: id.to_owned(),
        events,
    })
}
