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
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
        compiler.add_resource("answer.json", schema).unwrap();
        let schema = compiler.compile("answer.json", &mut schemas).unwrap();
        if let Err(error) = schemas.validate(&body, schema) {
            panic!("{method} {path} {status}: {error:#} in {body}");
        }
    }
}

const SOURCES: &str = "/api/v1/sources";
const SOURCE: &str = "/api/v1/sources/{id}";
const WEB: &str = "/api/v1/sources/web";
const DESTINATIONS: &str = "/api/v1/destinations";
const DESTINATION: &str = "/api/v1/destinations/{id}";
const PROFILES: &str = "/api/v1/destinations/profiles";
const COPY: &str = "/api/v1/destinations/copy";
const PROFILE: &str = "/api/v1/profiles/{destination}/{user_id}";
const LETTERS: &str = "/api/v1/dead-letters";
/// Stands for the settings of a destination whose address is known at run time only.
const NEW: &str = "a new destination";

/// Method, path as described, path as called, body, and the status that is to come.
type Call = (&'static str, &'static str, &'static str, &'static str, u16);

/// Calls in an order in which each can do what it is to do.
const CALLS: &[Call] = &[
    ("get", "/ready", "/ready", "", 200),
    ("get", "/api/v1/session", "/api/v1/session", "", 200),
    ("get", "/api/v1/overview", "/api/v1/overview", "", 200),
    ("get", "/api/v1/history", "/api/v1/history", "", 200),
    (
        "get",
        "/api/v1/history",
        "/api/v1/history?range=week",
        "",
        200,
    ),
    (
        "get",
        "/api/v1/history",
        "/api/v1/history?range=year",
        "",
        400,
    ),
    (
        "get",
        "/api/v1/configuration",
        "/api/v1/configuration",
        "",
        200,
    ),
    ("get", "/api/v1/audit", "/api/v1/audit?limit=5", "", 200),
    ("get", "/api/v1/audit", "/api/v1/audit?limit=0", "", 400),
    (
        "get",
        "/api/v1/audit",
        "/api/v1/audit?who=file&result=done&deed=take_over_file&search=web&offset=1",
        "",
        200,
    ),
    ("get", "/api/v1/audit", "/api/v1/audit?who=me", "", 400),
    ("get", SOURCES, SOURCES, "", 200),
    ("get", SOURCE, WEB, "", 200),
    ("get", SOURCE, "/api/v1/sources/none", "", 404),
    ("get", SOURCES, "/api/v1/sources?limit=0", "", 400),
    (
        "post",
        "/api/v1/sources/{id}/preview",
        "/api/v1/sources/web/preview",
        r#"{"name":"Web"}"#,
        200,
    ),
    ("patch", SOURCE, WEB, r#"{"name":"Web"}"#, 200),
    ("post", SOURCES, SOURCES, r#"{"name":"Web two"}"#, 201),
    (
        "post",
        SOURCES,
        SOURCES,
        r#"{"name":"Web two","id":"web-two"}"#,
        409,
    ),
    ("delete", SOURCE, "/api/v1/sources/web-two", "", 204),
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
    (
        "get",
        "/api/v1/destination-fields",
        "/api/v1/destination-fields",
        "",
        200,
    ),
    ("get", DESTINATIONS, DESTINATIONS, "", 200),
    (
        "get",
        DESTINATIONS,
        "/api/v1/destinations?sort=queued&limit=0",
        "",
        400,
    ),
    (
        "post",
        "/api/v1/destinations/{id}/preview",
        "/api/v1/destinations/profiles/preview",
        r#"{"prefix":"p"}"#,
        200,
    ),
    (
        "post",
        "/api/v1/destinations/preview",
        "/api/v1/destinations/preview",
        NEW,
        200,
    ),
    ("get", DESTINATION, PROFILES, "", 200),
    (
        "post",
        "/api/v1/destinations/test",
        "/api/v1/destinations/test",
        NEW,
        200,
    ),
    (
        "post",
        "/api/v1/destinations/{id}/test",
        "/api/v1/destinations/profiles/test",
        "",
        200,
    ),
    ("post", DESTINATIONS, DESTINATIONS, NEW, 201),
    (
        "post",
        DESTINATIONS,
        DESTINATIONS,
        r#"{"name":"x","address":"no"}"#,
        422,
    ),
    ("patch", DESTINATION, COPY, r#"{"prefix":"c"}"#, 200),
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
    ("delete", DESTINATION, COPY, "", 204),
    ("get", PROFILE, "/api/v1/profiles/profiles/u1", "", 200),
    ("get", PROFILE, "/api/v1/profiles/profiles/nobody", "", 404),
    (
        "get",
        PROFILE,
        "/api/v1/profiles/profiles/-?user_id=u1",
        "",
        200,
    ),
    (
        "delete",
        PROFILE,
        "/api/v1/profiles/profiles/u2?user_id=u1",
        "",
        400,
    ),
    ("delete", PROFILE, "/api/v1/profiles/profiles/u1", "", 200),
    ("get", LETTERS, LETTERS, "", 200),
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
];

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
    for (method, path, real, body, status) in CALLS {
        let body = if *body == NEW { &destination } else { *body };
        assert_eq!(check(method, path, real, body), *status, "{method} {real}");
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
    for name in ["TailEvent", "ErrorBody", "Overview", "DestinationStatus"] {
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
