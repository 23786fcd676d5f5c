//! Changes of the configuration: from a request to the runtime, and back as an answer.

use axum::Json;
use http::{HeaderMap, StatusCode, header};
use kenwell_journal::ErrorChain;

use super::uninterrupted::uninterrupted;
use crate::private::error::{ApiError, ProblemText};
use crate::private::{PrivatePlane, deeds};
use crate::runtime::{Applied, Edit, EditError, Revision, WrongChange};

/// Makes the change, if the file, or what the change is about, is still the version that `If-Match` names (when it
/// names one).
pub(super) async fn apply(
    plane: &PrivatePlane,
    headers: &HeaderMap,
    edit: Edit,
) -> Result<Applied, ApiError> {
    let expected = expected(headers);
    let (id, settings) = edit.subject();
    deeds::about(id.unwrap_or_default(), settings.clone());
    let runtime = plane.runtime.clone();
    uninterrupted("the change", async move {
        Ok(runtime.edit(expected.as_ref(), vec![edit]).await?)
    })
    .await
    .inspect(|applied| {
        // What was added may have got its id just now.
        if let Some(id) = applied.ids.first() {
            deeds::about(id, settings);
        }
    })
}

/// Makes the change as [`apply`] does, and shows what it was about.
pub(super) async fn shown<T>(
    plane: &PrivatePlane,
    headers: &HeaderMap,
    edit: Edit,
    find: impl FnOnce(&PrivatePlane, &str) -> Result<T, ApiError>,
) -> Result<Json<T>, ApiError> {
    let applied = apply(plane, headers, edit).await?;
    find(plane, &id(applied)).map(Json)
}

/// The id that the only edit was about.
pub(super) fn id(applied: Applied) -> String {
    applied.ids.into_iter().next().unwrap_or_default()
}

fn expected(headers: &HeaderMap) -> Option<Revision> {
    let tag = headers.get(header::IF_MATCH)?.to_str().ok()?.trim();
    (tag != "*").then(|| Revision::given(tag.trim_matches('"')))
}

impl From<EditError> for ApiError {
    /// An edit that was not made, as an answer.
    fn from(error: EditError) -> Self {
        let text = error.to_string();
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, &text);
        match &error {
            EditError::ChangedMeanwhile { .. } | EditError::OtherMeanwhile { .. } => {
                conflict("changed_meanwhile")
            }
            EditError::ReadOnly { .. } => conflict("read_only"),
            EditError::Exists { .. } => conflict("exists").about("id"),
            EditError::EventsWait { events, .. } => conflict("events_waiting").with_events(*events),
            EditError::NotCounted { .. } => Self::busy(text, 1),
            EditError::NotOpened { .. } => {
                tracing::error!(error = %ErrorChain(&error), "a change of the configuration failed");
                Self::busy(ErrorChain(&error).to_string(), 5)
            }
            EditError::NotInForce(problems) => {
                let problems = problems.errors.iter().map(ProblemText::from).collect();
                conflict("not_in_force").with_problems(problems)
            }
            EditError::NotFound { kind, id } if *kind == "source" => Self::no_source(id),
            EditError::NotFound { id, .. } => Self::no_destination(id),
            EditError::Invalid(problems) => {
                let problems: Vec<_> = problems.errors.iter().map(ProblemText::from).collect();
                let first = problems.first();
                let message = first.map_or_else(String::new, |problem| problem.message.clone());
                let setting = first.and_then(|problem| problem.setting.rsplit('.').next());
                let setting = setting.unwrap_or_default().to_owned();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_setting", message)
                    .about(setting)
                    .with_problems(problems)
            }
            // Said by whoever tries it again.
            EditError::NotApplied(_) => Self::internal(text),
            _ => {
                tracing::error!(error = %ErrorChain(&error), "a change of the configuration failed");
                Self::internal(text)
            }
        }
    }
}

impl From<WrongChange> for ApiError {
    fn from(wrong: WrongChange) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(status, "bad_request", wrong.what).about(wrong.setting)
    }
}
