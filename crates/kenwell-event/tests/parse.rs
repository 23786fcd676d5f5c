//! Which events of a body are kept, which are ignored and why, and when the whole request is refused.

use kenwell_event::{Ignored, MAX_DEPTH, Parsed, Rejection, Route};

fn batch_of(events: &str) -> Result<(usize, Vec<(Ignored, u64)>), Rejection> {
    let body = format!("{{\"batch\":[{events}],\"sentAt\":\"x\"}}");
    let parsed = parse(Route::Batch, body.as_bytes())?;
    Ok((parsed.identifies.len(), parsed.ignored.iter().collect()))
}

fn parse(route: Route, body: &[u8]) -> Result<Parsed<'_>, Rejection> {
    kenwell_event::parse(route, body, |_, _| ())
}

const GOOD: &str = r#"{"type":"identify","userId":"u1"}"#;

#[test]
fn a_batch_keeps_its_identifies_in_their_own_bytes() {
    let body =
        br#" {"batch" : [ {"type":"IDENTIFY", "userId":1} , {"type":"track","anonymousId":"a"}]} "#;
    let parsed = parse(Route::Batch, body).unwrap();
    assert_eq!(
        parsed.identifies,
        [&br#"{"type":"IDENTIFY", "userId":1}"#[..]]
    );
    assert_eq!(
        parsed.ignored.iter().collect::<Vec<_>>(),
        [(Ignored::NotIdentify, 1)]
    );
}

#[test]
fn what_is_ignored_is_told_in_its_own_bytes() {
    let body = br#"{"batch":[{"type":"track","userId":"u"}, 7 ,{"type":"identify","userId":"u"}]}"#;
    let mut told = Vec::new();
    kenwell_event::parse(Route::Batch, body, |bytes, reason| {
        told.push((bytes, reason));
    })
    .unwrap();
    let track = &br#"{"type":"track","userId":"u"}"#[..];
    assert_eq!(
        told,
        [(track, Ignored::NotIdentify), (b"7", Ignored::NotAnObject)]
    );
}

#[test]
fn a_bad_event_costs_its_neighbours_nothing() {
    let anonymous = r#"{"type":"identify","traits":{"a":1}}"#;
    for (bad, reason, rejection) in [
        (
            r#"{"type":"identify","userId":""}"#,
            Ignored::NoIdentity,
            Rejection::NoIdentity,
        ),
        (anonymous, Ignored::NoIdentity, Rejection::NoIdentity),
        ("7", Ignored::NotAnObject, Rejection::NotAnObject),
        ("[]", Ignored::NotAnObject, Rejection::NotAnObject),
        (
            r#"{"userId":"u","x":1e400}"#,
            Ignored::NumberOutOfRange,
            Rejection::InvalidJson,
        ),
    ] {
        assert_eq!(
            batch_of(&format!("{bad},{GOOD}")),
            Ok((1, vec![(reason, 1)])),
            "{bad}"
        );
        assert_eq!(batch_of(bad), Err(rejection), "{bad}");
    }
}

#[test]
fn the_first_bad_event_words_the_refusal() {
    assert_eq!(batch_of(r#"{"userId":null},7"#), Err(Rejection::NoIdentity));
    assert_eq!(
        batch_of(r#"7,{"userId":null}"#),
        Err(Rejection::NotAnObject)
    );
}

#[test]
fn too_deep_is_one_events_own_fault() {
    let deep = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels - 1), "}".repeat(levels - 1));
        format!("{{\"userId\":\"u\",\"type\":\"identify\",\"traits\":{open}1{close}}}")
    };
    assert_eq!(batch_of(&deep(MAX_DEPTH)), Ok((1, vec![])));
    assert_eq!(batch_of(&deep(MAX_DEPTH + 1)), Err(Rejection::InvalidJson));
    assert_eq!(
        batch_of(&format!("{},{GOOD}", deep(10_000))),
        Ok((1, vec![(Ignored::TooDeep, 1)]))
    );
}

#[test]
fn empty_batches() {
    for body in [
        "{}",
        r#"{"batch":null}"#,
        r#"{"batch":[]}"#,
        "[1]",
        "null",
        "\"x\"",
        "1",
    ] {
        assert_eq!(
            parse(Route::Batch, body.as_bytes()),
            Err(Rejection::EmptyBatch),
            "{body}"
        );
        assert_eq!(
            parse(Route::Import, body.as_bytes()),
            Ok(Parsed::default()),
            "{body}"
        );
    }
}

#[test]
fn a_batch_that_is_no_array() {
    let one = format!("{{\"batch\":{GOOD}}}");
    assert_eq!(
        parse(Route::Batch, one.as_bytes())
            .unwrap()
            .identifies
            .len(),
        1
    );
    for body in [r#"{"batch":"x"}"#, r#"{"batch":7}"#, r#"{"batch":true}"#] {
        assert_eq!(
            parse(Route::Batch, body.as_bytes()),
            Err(Rejection::NotAnObject),
            "{body}"
        );
    }
}

#[test]
fn types_in_a_batch_are_compared_without_case_but_not_trimmed() {
    let typed = |own: &str| batch_of(&format!("{{\"userId\":\"u\",\"type\":{own}}}")).unwrap();
    assert_eq!(typed("\"Identify\"").0, 1);
    assert_eq!(typed("\"\\u0069dentify\"").0, 1);
    assert_eq!(typed("\" identify \"").1, [(Ignored::NotIdentify, 1)]);
    for none in ["null", "\"\"", "1", "{}"] {
        assert_eq!(typed(none).1, [(Ignored::InvalidType, 1)], "{none}");
    }
}

#[test]
fn a_single_route_names_the_type() {
    let body = br#"{"type":"track","userId":"u"}"#;
    assert_eq!(parse(Route::Identify, body).unwrap().identifies.len(), 1);
    assert_eq!(
        parse(Route::Other, GOOD.as_bytes())
            .unwrap()
            .identifies
            .len(),
        0
    );
    assert_eq!(parse(Route::Identify, b"[]"), Err(Rejection::NotAnObject));
    for scalar in ["null", "\"x\"", "1", "NaN"] {
        assert_eq!(
            parse(Route::Identify, scalar.as_bytes()),
            Err(Rejection::NoIdentity)
        );
    }
}

#[test]
fn any_value_but_null_and_blank_is_an_identity() {
    for id in ["0", "false", "{}", "[]", "\"x\""] {
        let body = format!("{{\"anonymousId\":{id}}}");
        assert!(parse(Route::Identify, body.as_bytes()).is_ok(), "{id}");
    }
    for id in ["null", "NaN", "\"\"", "\" \\u200b\""] {
        let body = format!("{{\"userId\":{id}}}");
        assert_eq!(
            parse(Route::Identify, body.as_bytes()),
            Err(Rejection::NoIdentity),
            "{id}"
        );
    }
}

#[test]
fn of_duplicate_keys_the_last_wins_and_of_batches_the_first() {
    assert_eq!(
        parse(Route::Identify, br#"{"userId":"u","userId":""}"#),
        Err(Rejection::NoIdentity)
    );
    let two = format!("{{\"batch\":[{GOOD}],\"batch\":[]}}");
    assert_eq!(
        parse(Route::Batch, two.as_bytes())
            .unwrap()
            .identifies
            .len(),
        1
    );
}

#[test]
fn extracts_and_records_need_no_identity() {
    assert_eq!(
        batch_of(r#"{"type":"record"}"#),
        Ok((0, vec![(Ignored::NotIdentify, 1)]))
    );
}

#[test]
fn what_is_no_json_is_refused_whole() {
    for body in [
        "",
        "{",
        "\u{feff}{}",
        r#"{"batch":[{}]} x"#,
        r#"{"batch":[{"a":}]}"#,
    ] {
        assert_eq!(
            parse(Route::Batch, body.as_bytes()),
            Err(Rejection::InvalidJson),
            "{body}"
        );
    }
}
