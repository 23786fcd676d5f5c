//! Notes each request that is to change something in the audit log: who sent it, what it was, and what came of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use jiff::Timestamp;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};

use super::auth::Caller;
use super::extract::PeerAddress;
use crate::audit::{AuditEntry, AuditLog, AuditResult, Who};
use crate::mutex::lock;
use crate::time;

/// The name of the sign-in page's form, which is no operation of the API.
const SIGN_IN: &str = "sign_in";
/// The name of the link that signs in once.
const SIGN_IN_BY_LINK: &str = "sign_in_by_link";
/// How the names of operations begin that only show what a change would do.
const PREVIEW: &str = "preview_";

/// The names of the operations that change something, by method and path.
pub(super) struct Operations(HashMap<(Method, String), String>);

impl Operations {
    /// As the API's description has them, and the sign-in page's form.
    pub(super) fn of(description: OpenApi) -> Self {
        let paths = description.paths.paths.into_iter();
        let mut names: HashMap<_, _> = paths
            .flat_map(|(path, item)| changes(&path, item))
            .collect();
        names.insert((Method::POST, "/login".to_owned()), SIGN_IN.to_owned());
        Self(names)
    }

    fn name(&self, method: &Method, path: &str) -> Option<&str> {
        let found = self.0.get(&(method.clone(), path.to_owned()));
        found.map(String::as_str)
    }
}

tokio::task_local! {
    /// What the handler of the request says of its deed.
    static DETAILS: Arc<Mutex<Details>>;
}

/// What only the handler of a request knows.
#[derive(Debug, Default)]
struct Details {
    about: Option<String>,
    settings: Vec<String>,
}

/// Says what the request under way is about: the id of a source or destination, and the names of settings. Without it
/// the id in the path is told.
pub(super) fn about(id: &str, settings: impl IntoIterator<Item = &'static str>) {
    // Outside of a request there is no deed.
    let noted = DETAILS.try_with(|details| {
        let mut details = lock(details);
        details.about = Some(AuditEntry::id(id)).filter(|id| !id.is_empty());
        details.settings = settings.into_iter().map(str::to_owned).collect();
    });
    noted.unwrap_or_default();
}

/// Answers the request, and notes it when it is to change something.
pub(super) async fn note(
    State((log, operations)): State<(AuditLog, Arc<Operations>)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(mut deed) = Deed::of(log, &operations, &request) else {
        return next.run(request).await;
    };
    let details = Arc::clone(&deed.details);
    let response = DETAILS.scope(details, next.run(request)).await;
    deed.status = Some(response.status().as_u16());
    response
}

/// Notes that somebody has signed in with the link. Its method does not say that: it is opened like a page.
pub(super) fn note_link(log: &AuditLog, peer: IpAddr) {
    log.note(AuditEntry {
        at: time::text(Timestamp::now()),
        who: Who::Session,
        address: Some(peer.to_string()),
        deed: SIGN_IN_BY_LINK.to_owned(),
        about: None,
        settings: Vec::new(),
        result: AuditResult::Done,
        status: Some(StatusCode::OK.as_u16()),
    });
}

/// A request that is to change something. It is noted when it ends, in whatever way.
struct Deed {
    log: AuditLog,
    name: String,
    /// `None` for a sign-in, which is a session's if it succeeds.
    who: Option<Who>,
    address: Option<String>,
    /// The id in the path.
    id: Option<String>,
    details: Arc<Mutex<Details>>,
    /// `None` until it was answered.
    status: Option<u16>,
}

impl Deed {
    fn of(log: AuditLog, operations: &Operations, request: &Request) -> Option<Self> {
        if request.method().is_safe() {
            return None;
        }
        let path = request.extensions().get::<MatchedPath>()?.as_str();
        let name = operations.name(request.method(), path)?.to_owned();
        let who = match request.extensions().get::<Caller>() {
            Some(Caller::Program) => Some(Who::AdminKey),
            Some(Caller::Browser(_)) => Some(Who::Session),
            Some(Caller::MetricsReader) | None => None,
        };
        let peer = request.extensions().get::<PeerAddress>();
        Some(Self {
            log,
            name,
            who,
            address: peer.map(|PeerAddress(peer)| peer.ip().to_string()),
            id: id_in(path, request.uri().path()),
            details: Arc::default(),
            status: None,
        })
    }
}

impl Drop for Deed {
    fn drop(&mut self) {
        let result = self
            .status
            .map_or(AuditResult::Interrupted, AuditResult::of);
        // Anybody can be refused at the sign-in, as often as they like: that is in the log, and would push out the rest.
        let is_sign_in = self.name == SIGN_IN;
        if (is_sign_in || self.who.is_none()) && result != AuditResult::Done {
            return;
        }
        let details = std::mem::take(&mut *lock(&self.details));
        self.log.note(AuditEntry {
            at: time::text(Timestamp::now()),
            who: self.who.filter(|_| !is_sign_in).unwrap_or(Who::Session),
            address: self.address.take(),
            deed: std::mem::take(&mut self.name),
            about: details.about.or_else(|| self.id.take()),
            settings: details.settings,
            result,
            status: self.status,
        });
    }
}

/// The id of a source or destination in a path. A user's is not told.
fn id_in(template: &str, path: &str) -> Option<String> {
    let mut parts = template.split('/').zip(path.split('/'));
    let (_, id) = parts.find(|(name, _)| matches!(*name, "{id}" | "{destination}"))?;
    Some(AuditEntry::id(id))
}

fn changes(path: &str, item: PathItem) -> Vec<((Method, String), String)> {
    let PathItem {
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    let methods = [
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ];
    let named = methods.into_iter().filter_map(|(method, operation)| {
        let Operation { operation_id, .. } = operation?;
        let name = operation_id.filter(|name| !name.starts_with(PREVIEW))?;
        Some(((method, path.to_owned()), name))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_known_by_its_name() {
        let (_, description) = super::super::api::described().split_for_parts();
        let operations = Operations::of(description);
        let name = |method: Method, path: &str| operations.name(&method, path).map(str::to_owned);
        let destination = "/api/v1/destinations/{id}";
        assert_eq!(
            name(Method::PATCH, destination),
            Some("change_destination".to_owned())
        );
        assert_eq!(name(Method::POST, "/login"), Some(SIGN_IN.to_owned()));
        assert_eq!(
            name(Method::POST, "/api/v1/session"),
            Some(SIGN_IN.to_owned())
        );
        assert_eq!(name(Method::GET, destination), None);
        let preview = "/api/v1/destinations/{id}/preview";
        assert_eq!(name(Method::POST, preview), None, "it changes nothing");
    }

    #[tokio::test]
    async fn a_request_whose_client_went_away_is_noted_and_a_refused_stranger_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let log = AuditLog::open(directory.path().to_owned());
        let deed = |who, name: &str, status| Deed {
            log: log.clone(),
            name: name.to_owned(),
            who,
            address: None,
            id: Some("profiles".to_owned()),
            details: Arc::default(),
            status,
        };
        drop(deed(Some(Who::AdminKey), "pause_destination", None));
        drop(deed(None, SIGN_IN, Some(401)));
        drop(deed(None, SIGN_IN, Some(303)));
        let noted = log.all().await.unwrap().into_iter();
        let noted: Vec<_> = noted.map(|it| (it.deed, it.who, it.result)).collect();
        let wanted = [
            (SIGN_IN.to_owned(), Who::Session, AuditResult::Done),
            (
                "pause_destination".to_owned(),
                Who::AdminKey,
                AuditResult::Interrupted,
            ),
        ];
        assert_eq!(noted, wanted);
    }

    #[test]
    fn the_id_of_a_user_is_not_told() {
        let template = "/api/v1/profiles/{destination}/{user_id}";
        let id = id_in(template, "/api/v1/profiles/profiles/ada");
        assert_eq!(id.as_deref(), Some("profiles"));
        assert_eq!(id_in("/api/v1/session", "/api/v1/session"), None);
        let long = "x".repeat(1_000);
        let id = id_in("/s/{id}", &format!("/s/{long}"));
        assert_eq!(id.unwrap().len(), 128);
    }
}
