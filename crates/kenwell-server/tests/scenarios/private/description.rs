//! The API's description: what it says is what the server answers.

use serde_json::{Value, json};

use super::support::ok;
use crate::support::{Redis, Reply, Server, post};

/// The description, and whether answers fit it.
struct Description {
    document: Value,
}

impl Description {
    fn of(server: &Server) -> Self {
        let document = ok(&server.ask("GET", "/api/v1/openapi.json", ""));
        Self { document }
    }

    /// Fails unless the answer's status is described, and its body fits the schema.
    fn check(&self, method: &str, path: &str, reply: &Reply) {
        let operation = &self.document["paths"][path][method];
        let status = reply.status.to_string();
        let answer = &operation["responses"][&status];
        assert!(
            answer.is_object(),
            "{method} {path} does not tell of {status}: {}",
            reply.text()
        );
        let schema = &answer["content"]["application/json"]["schema"];
        if schema.is_null() {
            assert!(reply.body.is_empty(), "{method} {path} {status}");
            return;
        }
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| error.to_string())
            .collect();
        assert!(
            errors.is_empty(),
            "{method} {path} {status}: {errors:?} in {body}"
        );
    }
}

#[test]
fn answers_fit_their_schemas() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let description = Description::of(&server);
    redis.command::<()>(&["SET", "user:dead", "no hash"]);
    for user in ["u1", "dead"] {
        let event = format!(r#"{{"userId":"{user}","traits":{{"a":1}}}}"#);
        assert_eq!(post(&server.gateway, "/v1/identify", event).status, 200);
    }
    server.settle("profiles");
    let check = |method: &str, path: &str, real: &str, body: &str| {
        let reply = server.ask(&method.to_uppercase(), real, body);
        description.check(method, path, &reply);
        reply.status
    };
    let destination = json!({ "name": "Copy", "address": redis.address() }).to_string();
    let (sources, destinations) = ("/api/v1/sources", "/api/v1/destinations");
    let (source, one) = ("/api/v1/sources/{id}", "/api/v1/destinations/{id}");
    let (web, profiles, copy) = (
        "/api/v1/sources/web",
        "/api/v1/destinations/profiles",
        "/api/v1/destinations/copy",
    );
    let profile = "/api/v1/profiles/{destination}/{user_id}";
    let letters = "/api/v1/dead-letters";
    for (method, path, real, body, status) in [
        ("get", "/ready", "/ready", "", 200),
        ("get", "/api/v1/session", "/api/v1/session", "", 200),
        ("get", "/api/v1/overview", "/api/v1/overview", "", 200),
        ("get", "/api/v1/history", "/api/v1/history", "", 200),
        (
            "get",
            "/api/v1/configuration",
            "/api/v1/configuration",
            "",
            200,
        ),
        ("get", sources, sources, "", 200),
        ("get", source, web, "", 200),
        ("get", source, "/api/v1/sources/none", "", 404),
        ("patch", source, web, r#"{"name":"Web"}"#, 200),
        ("post", sources, sources, r#"{"name":"Web two"}"#, 201),
        (
            "post",
            sources,
            sources,
            r#"{"name":"Web two","id":"web-two"}"#,
            409,
        ),
        ("delete", source, "/api/v1/sources/web-two", "", 204),
        (
            "post",
            "/api/v1/sources/{id}/rotate-key",
            "/api/v1/sources/web/rotate-key",
            "",
            200,
        ),
        (
            "post",
            "/api/v1/sources/{id}/test-event",
            "/api/v1/sources/web/test-event",
            "{}",
            200,
        ),
        ("get", destinations, destinations, "", 200),
        ("get", one, profiles, "", 200),
        (
            "post",
            "/api/v1/destinations/test",
            "/api/v1/destinations/test",
            &destination,
            200,
        ),
        (
            "post",
            "/api/v1/destinations/{id}/test",
            "/api/v1/destinations/profiles/test",
            "",
            200,
        ),
        ("post", destinations, destinations, &destination, 201),
        (
            "post",
            destinations,
            destinations,
            r#"{"name":"x","address":"no"}"#,
            422,
        ),
        ("patch", one, copy, r#"{"prefix":"c"}"#, 200),
        (
            "post",
            "/api/v1/destinations/{id}/pause",
            "/api/v1/destinations/copy/pause",
            "",
            200,
        ),
        (
            "post",
            "/api/v1/destinations/{id}/resume",
            "/api/v1/destinations/copy/resume",
            "",
            200,
        ),
        (
            "post",
            "/api/v1/destinations/{id}/replay",
            "/api/v1/destinations/profiles/replay",
            r#"{"from":"2020-01-01T00:00:00Z"}"#,
            200,
        ),
        ("delete", one, copy, "", 204),
        ("get", profile, "/api/v1/profiles/profiles/u1", "", 200),
        ("get", profile, "/api/v1/profiles/profiles/nobody", "", 404),
        ("delete", profile, "/api/v1/profiles/profiles/u1", "", 200),
        ("get", letters, letters, "", 200),
        (
            "post",
            "/api/v1/dead-letters/retry",
            "/api/v1/dead-letters/retry",
            r#"{"destination":"profiles","all":true}"#,
            200,
        ),
        (
            "post",
            "/api/v1/dead-letters/discard",
            "/api/v1/dead-letters/discard",
            r#"{"destination":"profiles","all":true}"#,
            200,
        ),
    ] {
        assert_eq!(check(method, path, real, body), status, "{method} {real}");
    }
}

#[test]
fn it_is_an_openapi_document_whose_references_lead_somewhere() {
    let redis = Redis::start();
    let server = Server::start(&redis);
    let Description { document } = Description::of(&server);
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let mut names = std::collections::BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let described = answer["content"].is_object()
                    || !answer["description"].as_str().unwrap().is_empty();
                assert!(described, "{method} {path} {status}");
            }
        }
    }
    for name in ["Seen", "ErrorBody", "Overview", "DestinationStatus"] {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
