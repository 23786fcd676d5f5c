//! The HTTP contract: statuses, bodies and headers, byte for byte.

use crate::support::{Client, Redis, Reply, Server, get, gzip, post, raw};

pub(crate) fn server(redis: &Redis) -> Server {
    Server::with(&format!(
        "[[sources]]\nid = \"web\"\nname = \"Web site\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[sources]]\nid = \"off\"\nwrite_key = \"OFF\"\nenabled = false\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
        redis.address()
    ))
}

const IDENTIFY: &str = r#"{"userId":"u1","traits":{"plan":"pro"}}"#;

#[track_caller]
pub(crate) fn assert_error(reply: &Reply, status: u16, text: &str) {
    assert_eq!((reply.status, reply.text()), (status, format!("{text}\n")));
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("vary"), Some("Origin"));
}

#[track_caller]
pub(crate) fn assert_ok(reply: &Reply) {
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(reply.header("content-length"), Some("2"));
    assert_eq!(reply.header("vary"), Some("Origin"));
    assert_eq!(reply.header("x-content-type-options"), None);
}

#[test]
fn every_event_route_answers_ok() {
    let redis = Redis::start();
    let server = server(&redis);
    for route in [
        "identify", "track", "page", "screen", "group", "alias", "merge",
    ] {
        assert_ok(&post(&server.gateway, &format!("/v1/{route}"), IDENTIFY));
    }
    for route in ["/v1/batch", "/v1/import"] {
        assert_ok(&post(
            &server.gateway,
            route,
            format!("{{\"batch\":[{IDENTIFY}]}}"),
        ));
    }
    assert_ok(&post(&server.gateway, "/v1/import", "{}"));
    let beacon = "POST /beacon/v1/batch?writeKey=WK HTTP/1.1\r\nHost: k\r\nContent-Type: text/plain\r\n\
                  Content-Length: 14\r\n\r\n{\"batch\":[{}]}";
    assert_error(
        &raw(&server.gateway, beacon.as_bytes()),
        400,
        "request neither has anonymousId nor userId",
    );
    server.settle("profiles");
    assert_eq!(redis.fields("user:u1")["plan"], "pro");
}

#[test]
fn who_may_not_send_is_told_so_in_rudderstacks_words() {
    let redis = Redis::start();
    let server = server(&redis);
    let at = |path: &str, headers: &str| {
        raw(
            &server.gateway,
            format!("POST {path} HTTP/1.1\r\nHost: k\r\n{headers}Content-Length: 2\r\n\r\n{{}}")
                .as_bytes(),
        )
    };
    assert_error(
        &at("/v1/identify", ""),
        401,
        "failed to read writekey from header",
    );
    assert_error(
        &at("/v1/identify", "Authorization: Bearer V0s6\r\n"),
        401,
        "failed to read writekey from header",
    );
    assert_error(
        &at("/v1/batch?writeKey=WK", ""),
        401,
        "failed to read writekey from header",
    );
    assert_error(
        &at("/beacon/v1/batch", "Authorization: Basic V0s6\r\n"),
        401,
        "failed to read writekey from query params",
    );
    assert_error(
        &at("/beacon/v1/batch?writeKey=NO", ""),
        401,
        "invalid write key",
    );
    let mut client = Client::connect(&server.gateway);
    assert_error(
        &client.post_as("NO", "/v1/track", "", b"{}").unwrap(),
        401,
        "invalid write key",
    );
    assert_error(
        &client.post_as("WK2", "/v1/track", "", b"{}").unwrap(),
        401,
        "invalid write key",
    );
    assert_error(
        &client.post_as("OFF", "/v1/track", "", b"not json").unwrap(),
        404,
        "source is disabled",
    );
}

#[test]
fn bodies_that_are_no_events() {
    let redis = Redis::start();
    let server = server(&redis);
    let nobody = "request neither has anonymousId nor userId";
    for (path, body, text) in [
        ("/v1/identify", "", "invalid json"),
        ("/v1/identify", "{", "invalid json"),
        ("/v1/identify", "{\"userId\":\"u\"} x", "invalid json"),
        ("/v1/identify", "\u{feff}{\"userId\":\"u\"}", "invalid json"),
        (
            "/v1/identify",
            "{\"userId\":\"u\",\"x\":1e400}",
            "invalid json",
        ),
        ("/v1/identify", "[]", "event is not a valid rudder event"),
        ("/v1/identify", "null", nobody),
        ("/v1/identify", "{\"userId\":\" \"}", nobody),
        (
            "/v1/track",
            "{\"userId\":null,\"anonymousId\":\"\"}",
            nobody,
        ),
        ("/v1/batch", "{}", "empty batch payload"),
        ("/v1/batch", "{\"batch\":[]}", "empty batch payload"),
        ("/v1/batch", "[]", "empty batch payload"),
        (
            "/v1/batch",
            "{\"batch\":[7]}",
            "event is not a valid rudder event",
        ),
        (
            "/v1/batch",
            "{\"batch\":\"x\"}",
            "event is not a valid rudder event",
        ),
        ("/v1/import", "x", "invalid json"),
    ] {
        assert_error(&post(&server.gateway, path, body), 400, text);
    }
}

#[test]
fn content_types_and_encodings() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut client = Client::connect(&server.gateway);
    let two = [
        gzip(b"{\"userId\":\"zipped\","),
        gzip(b"\"traits\":{\"a\":1}}"),
    ]
    .concat();
    for content_type in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
    ] {
        let headers = format!("Content-Encoding: gzip\r\n{content_type}");
        assert_ok(
            &client
                .post_as("WK", "/v1/identify", &headers, &two)
                .unwrap(),
        );
        assert_ok(
            &client
                .post_as("WK", "/v1/identify", content_type, IDENTIFY.as_bytes())
                .unwrap(),
        );
    }
    // Only the exact word is an encoding.
    assert_error(
        &client
            .post_as("WK", "/v1/identify", "Content-Encoding: GZIP\r\n", &two)
            .unwrap(),
        400,
        "invalid json",
    );
    let broken = client
        .post_as("WK", "/v1/identify", "Content-Encoding: gzip\r\n", b"{}")
        .unwrap();
    assert_error(&broken, 400, "failed to read body from request");
    let chunked = "POST /v1/identify HTTP/1.1\r\nHost: k\r\nAuthorization: Basic V0s6\r\nTransfer-Encoding: chunked\r\n\r\n\
                   9\r\n{\"userId\"\r\n21\r\n:\"chunked\",\"traits\":{\"a\":\"b\",\"c\":\r\n4\r\n\"d\"}\r\n1\r\n}\r\n0\r\n\r\n";
    assert_ok(&raw(&server.gateway, chunked.as_bytes()));
    server.settle("profiles");
    assert_eq!(redis.fields("user:zipped")["a"], "1");
    assert_eq!(redis.fields("user:chunked")["c"], "d");
}

#[test]
fn the_size_limit_is_on_the_decompressed_body() {
    let redis = Redis::start();
    let server = server(&redis);
    let sized = |size: usize| {
        let event = r#"{"batch":[{"userId":"big","type":"track","x":""}]}"#;
        event.replace("\"\"", &format!("\"{}\"", "x".repeat(size - event.len())))
    };
    let too_large = "request size exceeds max limit";
    let mut client = Client::connect(&server.gateway);
    assert_ok(
        &client
            .post("/v1/batch", sized(4_096_000).as_bytes())
            .unwrap(),
    );
    assert_error(
        &client
            .post("/v1/batch", sized(4_096_001).as_bytes())
            .unwrap(),
        413,
        too_large,
    );
    let zipped = gzip(sized(4_096_001).as_bytes());
    assert_error(&post_zipped(&server, &zipped), 413, too_large);
    assert_ok(&post_zipped(&server, &gzip(sized(4_096_000).as_bytes())));
    // A single event is measured as the batch that RudderStack makes of it.
    let single = |size: usize| format!("{{\"userId\":\"u\",\"x\":\"{}\"}}", "x".repeat(size - 21));
    assert_ok(&post(&server.gateway, "/v1/track", single(4_096_000 - 12)));
    assert_error(
        &post(&server.gateway, "/v1/track", single(4_096_000 - 11)),
        413,
        too_large,
    );
}

fn post_zipped(server: &Server, body: &[u8]) -> Reply {
    Client::connect(&server.gateway)
        .post_as("WK", "/v1/batch", "Content-Encoding: gzip\r\n", body)
        .unwrap()
}

#[test]
fn a_bad_event_costs_a_batch_nothing_else() {
    let redis = Redis::start();
    let server = server(&redis);
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let body = format!(
        r#"{{"batch":[7,{{"type":"identify"}},{{"type":"identify","userId":"x","traits":{{"n":1e999}}}},
            {{"type":"identify","userId":"deep","traits":{deep}}},
            {{"type":"identify","userId":"nan","traits":{{"a":NaN,"b":-Infinity,"c":1}}}},
            {{"type":"identify","userId":"cut","traits":{{"emoji":"\ud83c"}}}},
            {{"type":"identify","userId":"proto","traits":{{"__proto__":{{"a":1}},"toString":2}}}}]}}"#
    );
    assert_ok(&post(&server.gateway, "/v1/batch", body));
    server.settle("profiles");
    assert_eq!(redis.keys().len(), 3);
    assert_eq!(redis.fields("user:nan"), [("c".into(), "1".into())].into());
    assert_eq!(redis.fields("user:cut")["emoji"], "\u{fffd}");
    assert_eq!(redis.fields("user:proto")["__proto__.a"], "1");
    let page = server.metrics();
    for reason in [
        "not_an_object",
        "no_identity",
        "number_out_of_range",
        "too_deep",
    ] {
        let ignored =
            format!("kenwell_events_ignored_total{{source=\"web\",reason=\"{reason}\"}} 1");
        assert!(page.contains(&ignored), "{reason}\n{page}");
    }
}

#[test]
fn unknown_paths_and_wrong_methods() {
    let redis = Redis::start();
    let server = server(&redis);
    for path in [
        "/v1/Identify",
        "/v1/",
        "/v2/batch",
        "/v1/webhook",
        "/favicon.ico",
    ] {
        assert_error(
            &post(&server.gateway, path, "{}"),
            404,
            "404 page not found",
        );
    }
    for (request, allow) in [
        ("GET /v1/batch", "POST"),
        ("PUT /v1/identify", "POST"),
        ("OPTIONS /v1/batch", "POST"),
        ("HEAD /health", "GET"),
        ("DELETE /sourceConfig", "GET, HEAD"),
    ] {
        let reply = raw(
            &server.gateway,
            format!("{request} HTTP/1.1\r\nHost: k\r\n\r\n").as_bytes(),
        );
        assert_eq!((reply.status, reply.body.len()), (405, 0), "{request}");
        assert_eq!(reply.header("allow"), Some(allow));
    }
}

#[test]
fn pages_that_need_no_key() {
    let redis = Redis::start();
    let server = server(&redis);
    for path in ["/health", "/"] {
        let health = get(&server.gateway, path);
        assert_eq!(
            (health.status, health.header("content-type")),
            (200, Some("application/json; charset=utf-8"))
        );
        let page: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
        for (field, value) in [
            ("server", "UP"),
            ("db", "UP"),
            ("acceptingEvents", "TRUE"),
            ("routingEvents", "TRUE"),
            ("mode", "NORMAL"),
        ] {
            assert_eq!(page[field], value);
        }
    }
    let version: serde_json::Value =
        serde_json::from_slice(&get(&server.gateway, "/version").body).unwrap();
    for field in ["BuildDate", "BuiltBy", "Commit", "Features", "Version"] {
        assert!(!version[field].is_null(), "{field}");
    }
    assert_eq!(
        get(&server.gateway, "/robots.txt").text(),
        "User-agent: * \nDisallow: / \n"
    );
    for path in [
        "/pixel/v1/track?writeKey=WK&event=x",
        "/pixel/v1/page?writeKey=NO",
        "/pixel/v1/page",
    ] {
        let pixel = get(&server.gateway, path);
        assert_eq!(
            (pixel.status, pixel.body.len(), pixel.header("content-type")),
            (200, 43, Some("image/gif"))
        );
    }
}

#[test]
fn a_source_over_its_rate_is_told_when_to_come_back() {
    let redis = Redis::start();
    let server = Server::with_gateway(
        "rate_limit = 1",
        &format!(
            "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
             [[destinations]]\nid = \"profiles\"\ntype = \"redis\"\naddress = \"{}\"\n",
            redis.address()
        ),
    );
    let mut client = Client::connect(&server.gateway);
    let replies: Vec<_> = (0..50)
        .map(|_| client.post("/v1/identify", IDENTIFY.as_bytes()).unwrap())
        .collect();
    let refused = replies
        .iter()
        .find(|reply| reply.status != 200)
        .expect("50 events at 1 a second");
    assert_error(refused, 429, "max requests limit reached");
    assert!(
        refused
            .header("retry-after")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
}
