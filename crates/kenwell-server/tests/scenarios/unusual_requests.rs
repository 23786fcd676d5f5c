//! Requests that are not quite as the standard has them: the answers are ours, for a browser to read, and counted.

use crate::{
    gateway::server,
    support::{Client, Redis, Reply, Server, eventually, metric, raw},
};

const ORIGIN: &str = "https://shop.example";
const BATCH: &str =
    r#"{"batch":[{"type":"identify","userId":"raw","traits":{"said":"GET /<a> HTTP/1.1"}}]}"#;

/// A request with an origin, whose target and header lines are bytes of any kind.
fn request(method: &str, target: &[u8], lines: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let rest = format!(
        " HTTP/1.1\r\nHost: k\r\nOrigin: {ORIGIN}\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
    );
    [method.as_bytes(), b" ", target, rest.as_bytes()].concat()
}

#[track_caller]
fn assert_for_browsers(reply: &Reply) {
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some(ORIGIN), "{reply:?}");
    assert_eq!(reply.header("vary"), Some("Origin"), "{reply:?}");
}

#[track_caller]
fn assert_status(server: &Server, bytes: &[u8], status: u16) {
    let reply = raw(&server.gateway, bytes);
    assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(bytes));
    assert_for_browsers(&reply);
}

#[test]
fn a_query_may_have_any_byte_that_is_no_space_and_no_control() {
    let redis = Redis::start();
    let server = server(&redis);
    let mut strange: Vec<Vec<u8>> = (b'!'..=b'~').map(|byte| vec![byte]).collect();
    strange.extend((0x80..=0xff).map(|byte| vec![byte]));
    strange.push("é日本".into());
    strange.push(b"{\"a\":[\"<b>\"]}|\\^`".to_vec());
    for bytes in strange {
        let query = [b"/beacon/v1/batch?writeKey=WK&x=", &bytes[..]].concat();
        assert_status(&server, &request("POST", &query, "", BATCH), 200);
        let pixel = [b"/pixel/v1/page?x=", &bytes[..], b"&writeKey=WK"].concat();
        assert_status(&server, &request("GET", &pixel, "", ""), 200);
        // A question mark begins a query, which paths do not look at, and a slash at the end says nothing.
        if bytes != b"?" && bytes != b"/" {
            let path = [b"/v1/identify", &bytes[..]].concat();
            assert_status(&server, &request("POST", &path, "", BATCH), 404);
        }
    }
    for control in [0x01, 0x7f] {
        let target = [b'/', control];
        assert_status(&server, &request("GET", &target, "", ""), 400);
    }
}

#[test]
fn what_a_query_says_is_understood_as_it_was_written() {
    let redis = Redis::start();
    let server = server(&redis);
    // The key itself is written with characters that a URL cannot have, and after them.
    let target = b"/beacon/v1/batch?note=<\"{}\">&writeKey=W%4B";
    assert_status(&server, &request("POST", target, "", BATCH), 200);
    server.settle("profiles");
    assert_eq!(redis.fields("user:raw")["said"], "GET /<a> HTTP/1.1");
}

/// One connection, on which everything comes in every possible piece.
#[test]
fn every_request_of_a_connection_is_read_alike_and_no_body_is_touched() {
    let redis = Redis::start();
    let server = server(&redis);
    let beacon = request("POST", b"/beacon/v1/batch?writeKey=WK&x=<>", "", BATCH);
    let body = BATCH.replace("raw", "chunked");
    let (one, two) = body.split_at(20);
    let chunked = format!(
        "POST /beacon/v1/batch?writeKey=WK&y=<> HTTP/1.1\r\nHost: k\r\nOrigin: {ORIGIN}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:X};ext=\"a\"\r\n{two}\r\n0\r\nTrailer: x\r\n\r\n",
        one.len(),
        two.len()
    );
    let empty = request("GET", b"/version?<>", "", "");
    let all = [&beacon[..], chunked.as_bytes(), &empty, &beacon, &empty].concat();
    let mut size = 1;
    while size < 2 * all.len() {
        let mut client = Client::connect(&server.gateway);
        for piece in all.chunks(size) {
            client.send(piece).unwrap();
        }
        for _ in 0..5 {
            let reply = client.receive(false).expect("an answer");
            assert_eq!(reply.status, 200, "pieces of {size}: {reply:?}");
            assert_eq!(reply.header("connection"), None, "pieces of {size}");
        }
        size = size * 3 / 2 + 1;
    }
    server.settle("profiles");
    for user in ["user:raw", "user:chunked"] {
        assert_eq!(redis.fields(user)["said"], "GET /<a> HTTP/1.1", "{user}");
    }
}

#[test]
fn long_targets_and_many_headers_are_answered_like_short_ones() {
    let redis = Redis::start();
    let server = server(&redis);
    let long = "x".repeat(100_000);
    let query = format!("/beacon/v1/batch?a={long}&writeKey=WK&b=<{long}>");
    assert_status(&server, &request("POST", query.as_bytes(), "", BATCH), 200);
    let pixel = format!("/pixel/v1/track?writeKey=WK&a={long}");
    assert_status(&server, &request("GET", pixel.as_bytes(), "", ""), 200);
    let unknown = format!("/beacon/v1/batch?a={long}&writeKey=NO");
    assert_status(
        &server,
        &request("POST", unknown.as_bytes(), "", BATCH),
        401,
    );
    let path = format!("/v1/{long}");
    assert_status(&server, &request("POST", path.as_bytes(), "", BATCH), 404);
    // Nearly nothing but what has to be written longer.
    let angles = "<".repeat(60_000);
    let query = format!("/beacon/v1/batch?writeKey=WK&a={angles}");
    assert_status(&server, &request("POST", query.as_bytes(), "", BATCH), 200);
    for count in [90, 101, 257, 300, 20_000] {
        let lines: Vec<_> = (0..count)
            .map(|n| format!("X-Header-{n}: {n}\r\n"))
            .collect();
        let lines = format!("{}Authorization: Basic V0s6\r\n", lines.concat());
        assert_status(&server, &request("POST", b"/v1/batch", &lines, BATCH), 200);
    }
    let cookie = format!("Cookie: {long}{long}{long}\r\nAuthorization: Basic V0s6\r\n");
    assert_status(&server, &request("POST", b"/v1/batch", &cookie, BATCH), 200);
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let redis = Redis::start();
    let server = server(&redis);
    let line = |line: &str| format!("{line}\r\nHost: k\r\nOrigin: {ORIGIN}\r\n\r\n");
    let with = |lines: &str| {
        format!("POST /v1/batch HTTP/1.1\r\nHost: k\r\nOrigin: {ORIGIN}\r\n{lines}\r\n\r\n")
    };
    let heads = [
        line("GET"),
        line("GET /"),
        line("GET / HTTP/3.7"),
        line("G@T / HTTP/1.1"),
        line("GET / a HTTP/1.1"),
        line("GET noslash HTTP/1.1"),
        line("GET http:// HTTP/1.1"),
        line("PRI * HTTP/2.0"),
        with("no colon"),
        with("Bad Name: x"),
        with(": x"),
        with("X: a\rb"),
        with("X: a\0b"),
        with("Content-Length: -1"),
        with("Content-Length: 1\r\nContent-Length: 2"),
        with("Content-Length: 99999999999999999999999"),
        with("Transfer-Encoding: gzip"),
    ];
    let labels = "route=\"none\",status=\"400\"";
    for (index, head) in heads.iter().enumerate() {
        let reply = raw(&server.gateway, head.as_bytes());
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (400, "400 Bad Request"),
            "{head}"
        );
        assert_for_browsers(&reply);
        assert_eq!(reply.header("connection"), Some("close"), "{head}");
        let count = metric(&server.metrics(), "kenwell_requests_total", labels);
        assert_eq!(count, u64::try_from(index + 1).unwrap(), "{head}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused_in_words() {
    let redis = Redis::start();
    let server = server(&redis);
    // Whole, with the body after it, and one that never ends.
    let cookie = format!("Cookie: {}\r\n", "x".repeat(600_000));
    let whole = request("POST", b"/v1/batch", &cookie, BATCH);
    let endless = whole.repeat(5)[..700_000].to_vec();
    for bytes in [whole, endless] {
        let reply = raw(&server.gateway, &bytes);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (431, "431 Request Header Fields Too Large")
        );
        assert_for_browsers(&reply);
    }
    let labels = "route=\"none\",status=\"431\"";
    assert_eq!(
        metric(&server.metrics(), "kenwell_requests_total", labels),
        2
    );
    // The same size in a head that fits.
    let cookie = format!(
        "Authorization: Basic V0s6\r\nCookie: {}\r\n",
        "x".repeat(500_000)
    );
    assert_status(&server, &request("POST", b"/v1/batch", &cookie, BATCH), 200);
}

#[test]
fn older_and_rarer_forms_of_a_request_are_answered() {
    let redis = Redis::start();
    let server = server(&redis);
    let post = |line: &str, lines: &str| {
        format!(
            "{line}\r\nOrigin: {ORIGIN}\r\nAuthorization: Basic V0s6\r\n{lines}Content-Length: {}\r\n\r\n{BATCH}",
            BATCH.len()
        )
    };
    for (bytes, status) in [
        (post("POST /v1/batch HTTP/1.0", ""), 200),
        (
            post("POST /v1/batch HTTP/1.0", "Connection: keep-alive\r\n"),
            200,
        ),
        (post("POST /v1/batch HTTP/1.1", ""), 200),
        (
            post("POST /v1/batch HTTP/1.1", "Host: a\r\nHost: b\r\n"),
            200,
        ),
        (post("POST http://k/v1/batch HTTP/1.1", "Host: k\r\n"), 200),
        (
            post("POST http://k:80/v1/batch?<> HTTP/1.1", "Host: k\r\n"),
            200,
        ),
        (
            post("POST /v1/batch HTTP/1.1", "Expect: 100-continue\r\n"),
            200,
        ),
        (post("\r\n\r\nPOST /v1/batch HTTP/1.1", ""), 200),
        (post("OPTIONS * HTTP/1.1", ""), 404),
        (post("CONNECT k:443 HTTP/1.1", ""), 404),
        (post("TRACE /v1/batch HTTP/1.1", ""), 405),
        (post("BREW /v1/batch HTTP/1.1", ""), 405),
        (
            post(
                "POST /v1/batch HTTP/1.1",
                "Upgrade: h2c\r\nConnection: Upgrade\r\n",
            ),
            200,
        ),
    ] {
        let reply = raw(&server.gateway, bytes.as_bytes());
        assert_eq!(reply.status, status, "{bytes}");
        assert_for_browsers(&reply);
    }
    // Line feeds alone end lines too.
    let bare = post("POST /v1/batch HTTP/1.1", "").replace("\r\n", "\n");
    assert_status(&server, bare.as_bytes(), 200);
    eventually("the requests to be counted", || {
        let labels = "route=\"batch\",status=\"200\"";
        (metric(&server.metrics(), "kenwell_requests_total", labels) == 10).then_some(())
    });
}
