//! Recorded requests of five real SDKs, replayed byte for byte.

use std::{collections::BTreeMap, fmt::Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::support::{Redis, Reply, Server, conformance, raw};

const FILES: [&str; 5] = [
    "rudder-analytics-js-3.34.1-bundled",
    "rudder-sdk-js-2.52.21-v1.1",
    "rudder-sdk-node-3.0.13",
    "rudder-sdk-python-2.1.9",
    "segment-analytics-node-3.1.0",
];

/// One recorded request.
pub(crate) struct Capture(Value);

impl Capture {
    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    /// The decoded body. Large bodies were recorded as what JavaScript made of them.
    fn decoded(&self) -> String {
        match &self.0["bodyText"] {
            Value::String(text) => text.clone(),
            _ if self.0["bodyJson"].is_null() => String::new(),
            _ => self.0["bodyJson"].to_string(),
        }
    }

    fn body(&self) -> Vec<u8> {
        match &self.0["bodyBase64"] {
            Value::String(zipped) => BASE64_STANDARD.decode(zipped).unwrap(),
            _ => self.decoded().into_bytes(),
        }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let words: Vec<_> = self.0["rawHeaders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        words.chunks(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers()
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The request as it was on the wire, in the header's own order and case.
    pub(crate) fn request(&self) -> Vec<u8> {
        let body = self.body();
        let mut request = format!("{} {} HTTP/1.1\r\n", self.text("method"), self.text("path"));
        for (name, value) in self.headers() {
            let value = if name.eq_ignore_ascii_case("content-length") {
                body.len().to_string()
            } else {
                value.to_owned()
            };
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        if self.header("transfer-encoding").is_none() {
            return [request.as_bytes(), b"\r\n", &body].concat();
        }
        let size = format!("\r\n{:x}\r\n", body.len());
        [request.as_bytes(), size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()
    }

    /// The identify events in it, as the contract sorts them.
    fn identifies(&self) -> Vec<Value> {
        let path = self.text("path").split('?').next().unwrap();
        let events = match (self.text("method"), path) {
            ("POST", "/v1/identify") => return self.events(),
            ("POST", "/v1/batch") => self.events(),
            _ => Vec::new(),
        };
        events
            .into_iter()
            .filter(|event| event["type"] == "identify")
            .collect()
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        // NaN and Infinity are read as null; no recorded text holds these words otherwise.
        let text = self
            .decoded()
            .replace("NaN", "null")
            .replace("-Infinity", "null")
            .replace("Infinity", "null");
        let body: Value = serde_json::from_str(&text).unwrap();
        match body["batch"].as_array() {
            Some(events) => events.clone(),
            None => vec![body],
        }
    }
}

impl Capture {
    /// Whether it is a batch in which no event names anybody: Segment's SDK sends such ones.
    fn is_anonymous(&self) -> bool {
        let names = |event: &Value, id: &str| event[id].as_str().is_some_and(|id| !id.is_empty());
        let nobody = |event: &Value| !names(event, "userId") && !names(event, "anonymousId");
        self.text("path") == "/v1/batch" && self.events().iter().all(nobody)
    }
}

pub(crate) fn captures(file: &str) -> Vec<Capture> {
    let text = std::fs::read_to_string(conformance(&format!("sdk-captures/{file}.jsonl"))).unwrap();
    // One body was also recorded parsed, with a lone surrogate that serde does not take. What is
    // sent is the recorded text, in which it stays.
    let text = text.replace(r#""s":"\ud83c""#, r#""s":"""#);
    text.lines()
        .map(|line| Capture(serde_json::from_str(line).unwrap()))
        .collect()
}

#[track_caller]
fn assert_answer(capture: &Capture, reply: &Reply) {
    let label = format!(
        "{} {} {}",
        capture.text("label"),
        capture.text("method"),
        capture.text("path")
    );
    let origin = capture.header("origin");
    assert_eq!(
        reply.header("access-control-allow-origin"),
        origin,
        "{label}"
    );
    assert_eq!(
        reply.header("access-control-allow-credentials"),
        origin.map(|_| "true"),
        "{label}"
    );
    match capture.text("method") {
        "OPTIONS" => {
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{label}");
            assert_eq!(
                reply.header("access-control-allow-headers"),
                capture.header("access-control-request-headers"),
                "{label}"
            );
            assert_eq!(
                reply.header("access-control-allow-methods"),
                capture.header("access-control-request-method"),
                "{label}"
            );
            assert_eq!(
                reply.header("access-control-max-age"),
                Some("900"),
                "{label}"
            );
        }
        "GET" => {
            assert_eq!(reply.status, 200, "{label}");
            let page: Value = serde_json::from_slice(&reply.body).unwrap();
            assert!(
                page["source"]["id"].is_string()
                    && page["source"]["config"].is_object()
                    && page["source"]["destinations"].is_array()
            );
        }
        _ if capture.is_anonymous() => {
            let text = "request neither has anonymousId nor userId\n";
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (400, text),
                "{label}"
            );
            assert_eq!(
                reply.header("x-content-type-options"),
                Some("nosniff"),
                "{label}"
            );
        }
        _ => {
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (200, "ok"),
                "{label}"
            );
            assert_eq!(
                reply.header("content-type"),
                Some("text/plain; charset=utf-8"),
                "{label}"
            );
            assert_eq!(reply.header("content-length"), Some("2"), "{label}");
            assert_eq!(reply.header("vary"), Some("Origin"), "{label}");
        }
    }
}

#[test]
fn every_recorded_request_gets_the_contracts_answer_and_every_identify_its_hash() {
    for file in FILES {
        let redis = Redis::start();
        let server = Server::with(&tables(&redis));
        let mut expected = Users::default();
        let captures = captures(file);
        assert!(captures.len() > 15, "{file}");
        for capture in &captures {
            assert_answer(capture, &raw(&server.gateway, &capture.request()));
            for event in capture.identifies() {
                expected.identify(&event);
            }
        }
        server.settle("profiles");
        assert!(
            expected.0.len() > 2,
            "{file} identified {} users",
            expected.0.len()
        );
        for (key, fields) in &expected.0 {
            assert_eq!(&redis.fields(key), fields, "{file} {key}");
        }
        assert_eq!(redis.keys().len(), expected.0.len(), "{file}");
    }
}

fn tables(redis: &Redis) -> String {
    let source = |(id, key): (&str, &str)| {
        format!(
            "[[sources]]\nid = \"{id}\"\nwrite_key = \"{key}\"\ndestinations = [\"profiles\"]\n"
        )
    };
    let sources = [
        ("web", "WK_WEB"),
        ("node", "WK_NODE"),
        ("python", "WK_RPY"),
        ("segment", "WK_SEG"),
    ]
    .map(source)
    .concat();
    format!(
        "{sources}[[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    )
}

/// A slow and obvious model of what identify events leave behind.
#[derive(Default)]
struct Users(BTreeMap<String, BTreeMap<String, String>>);

impl Users {
    fn identify(&mut self, event: &Value) {
        let Some(user) = event["userId"]
            .as_str()
            .filter(|user| !user.trim().is_empty())
        else {
            return;
        };
        let mut fields = BTreeMap::new();
        for traits in [&event["context"]["traits"], &event["traits"]] {
            flatten("", traits, &mut fields);
        }
        let fields: BTreeMap<_, _> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        if !fields.is_empty() {
            self.0
                .entry(format!("user:{user}"))
                .or_default()
                .extend(fields);
        }
    }
}

fn flatten(prefix: &str, value: &Value, fields: &mut BTreeMap<String, Option<String>>) {
    let text = match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let name = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&name, value, fields);
            }
            return;
        }
        Value::Object(_) | Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string().trim_end_matches(".0").to_owned()),
        other => Some(other.to_string()),
    };
    if !prefix.is_empty() {
        fields.insert(prefix.to_owned(), text);
    }
}
