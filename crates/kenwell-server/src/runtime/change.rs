//! Edits over the network: written to the file, then applied; all of them or none.

use std::{io, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::{
    Runtime,
    change_cause::{ChangeCause, ReloadReason},
    config_file::{self, FileText},
    configuration_state::Revision,
    destination::DestinationRuntimes,
    document::{Document, List},
    edit::{Applied, Edit},
    error::EditError,
    preview::EditedFile,
    removal::{self, GivenUp},
};

/// How long a removal waits until it is known how many events wait.
const COUNTING: Duration = Duration::from_secs(5);

impl Runtime {
    /// Makes all of `edits` or none: in the file first, then in what runs. Only if the file still is the
    /// version last read, and with `expected` only if that is the one, or if it is the revision of what the edits are
    /// about: whoever has changed something else meanwhile is in nobody's way.
    ///
    /// To be awaited to its end, on a task of its own where the caller may go away: dropped earlier, it leaves a change
    /// half done.
    ///
    /// # Errors
    /// [`EditError`]; nothing was changed then, except with [`EditError::NotApplied`].
    pub async fn edit(
        &self,
        expected: Option<&Revision>,
        edits: Vec<Edit>,
    ) -> Result<Applied, EditError> {
        let mut destinations = self.inner.destinations.lock().await;
        let path = self.inner.file.path();
        let before = config_file::read(path).map_err(EditError::io("read", path))?;
        // Only a version that was read is edited: a newer one may be half-written yet.
        let known = self.state().revision;
        if before.revision != known {
            return Err(EditError::ChangedMeanwhile {
                path: path.to_path_buf(),
            });
        }
        if let Some(expected) = expected.filter(|expected| **expected != known) {
            self.refuse_others(expected, &edits)?;
        }
        if let [Edit::RemoveDestination { id, give_up }] = edits.as_slice()
            && !has_destination(&before, id)
        {
            return self
                .remove_unlisted(&mut destinations, before, id, *give_up)
                .await;
        }
        if let Some(reason) = config_file::read_only(path) {
            return Err(EditError::ReadOnly { reason });
        }
        let given_up = given_up(&edits);
        let EditedFile {
            text,
            loaded,
            applied,
        } = self.edited_file(&before, edits)?;
        let problems = self.state().problems;
        if !problems.is_empty() {
            return Err(EditError::NotInForce(Box::new(problems.into())));
        }
        let change = self
            .prepare(&destinations, text, loaded, given_up, ChangeCause::Edit)
            .await?;
        if let Err(error) = self.replace(before, change.text.clone()).await {
            self.abandon(&destinations, change);
            return Err(error);
        }
        self.apply(&mut destinations, change).await?;
        Ok(applied)
    }

    /// An error when one of the edits is about something of which this is not the revision.
    fn refuse_others(&self, expected: &Revision, edits: &[Edit]) -> Result<(), EditError> {
        let config = self.config();
        for edit in edits {
            let (kind, id, revision) = match edit {
                Edit::ChangeSource { id, .. } | Edit::NewWriteKey(id) | Edit::RemoveSource(id) => {
                    let source = config.sources.iter().find(|source| source.id == *id);
                    ("source", id, source.map(Revision::of_source))
                }
                Edit::ChangeDestination { id, .. } | Edit::RemoveDestination { id, .. } => {
                    let destination = config.destination(id);
                    ("destination", id, destination.map(Revision::of_destination))
                }
                // What is added has no revision yet: only that of the file is meant.
                Edit::AddSource(_) | Edit::AddDestination(_) => {
                    return Err(EditError::ChangedMeanwhile {
                        path: self.inner.file.path().to_path_buf(),
                    });
                }
            };
            if revision.is_some_and(|revision| revision != *expected) {
                let id = id.clone();
                return Err(EditError::OtherMeanwhile { kind, id });
            }
        }
        Ok(())
    }

    async fn replace(&self, before: FileText, text: String) -> Result<(), EditError> {
        let path = self.inner.file.path();
        let file = path.to_path_buf();
        let replacing = spawn_blocking(move || config_file::replace(&file, &before, &text));
        let interrupted = EditError::io("written", path);
        let replaced = replacing.await.map_err(io::Error::other);
        replaced.map_err(interrupted).flatten()
    }

    /// Removes a destination that the file does not have: one that runs on for the events that wait for it, or one
    /// that is retired.
    async fn remove_unlisted(
        &self,
        destinations: &mut DestinationRuntimes,
        file: FileText,
        id: &str,
        give_up: u64,
    ) -> Result<Applied, EditError> {
        let dependencies = &self.inner.dependencies;
        let id = id.to_owned();
        if let Some(destination) = destinations.get(&id) {
            refuse_more(&id, destination.waiting(), give_up)?;
            let removed = GivenUp::from([(id.clone(), give_up)]);
            let mut change = self
                .check(destinations, file.text, ReloadReason::Asked, removed)
                .await
                .map_err(|error| EditError::NotInForce(Box::new(error.problems())))?;
            change.cause = ChangeCause::Edit;
            self.apply(destinations, change).await?;
        } else if dependencies.retired.has(&id) {
            // What is not counted yet cannot be given up.
            drop(timeout(COUNTING, self.counted()).await);
            let events = dependencies.retired.waiting(&id);
            let events = events.ok_or_else(|| EditError::NotCounted { id: id.clone() })?;
            refuse_more(&id, events, give_up)?;
            removal::forget(&id, dependencies).map_err(EditError::NotApplied)?;
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

/// Whether the file has a destination with this id.
fn has_destination(file: &FileText, id: &str) -> bool {
    let document = Document::parse(&file.text);
    document.is_ok_and(|mut document| document.find(List::Destinations, id).is_some())
}

fn given_up(edits: &[Edit]) -> GivenUp {
    let removed = edits.iter().filter_map(|edit| match edit {
        Edit::RemoveDestination { id, give_up } => Some((id.clone(), *give_up)),
        _ => None,
    });
    removed.collect()
}
