//! The fast path: events that came in one piece are accepted and answered without the HTTP library.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response};

use super::{
    auth, cors,
    head::WholeRequest,
    route::{self, Target},
    server::Gateway,
    source_table::SourceLease,
    success::Form,
};

impl Gateway {
    /// Begins to store the events of a request, and gives its answer. `None` for what is no event or is refused: nothing
    /// has happened to such a request then, and [`respond`](Gateway::respond) answers it.
    pub(super) fn begin_whole(
        self: &Arc<Self>,
        request: &WholeRequest<'_>,
    ) -> Option<impl Future<Output = Response<Bytes>> + Send + use<>> {
        let (route_name, target) = route::find(&Method::POST, request.path).ok()?;
        let Target::Events(route) = target else {
            return None;
        };
        let write_key = auth::key_in_value(request.authorization?)?;
        let SourceLease { sources, token } = self.source_table.lease();
        let source = sources.find_enabled(&write_key).ok()?;
        let origin = match request.origin.map(HeaderValue::from_str) {
            Some(origin) => Some(origin.ok()?),
            None => None,
        };
        let (names_write_key, append) =
            self.ingest
                .begin_whole(source, token, route, request.body)?;
        let form = Form::of_success(request.user_agent, route, names_write_key);
        let refusal_form = Form::of_refusal(request.user_agent);
        let gateway = Arc::clone(self);
        Some(async move {
            let stored = match append {
                Some(append) => append.await.map(drop),
                None => Ok(()),
            };
            let answer = match stored {
                Ok(()) => form.success(),
                Err(refusal) => refusal_form.refusal(refusal.answer()),
            };
            let metrics = &gateway.ingest.metrics;
            metrics.request(route_name, answer.status().as_u16());
            answer.into_whole_response(cors::headers_for(origin.as_ref()))
        })
    }
}
