//! Events at the edges: too deep, too large, too wide, and prefixes that take something away.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

use kenwell::profile::{
    self, Ignored, Layout, MAX_DEPTH, MAX_FLATTENED_BYTES, Prefix, ProfileUpdate,
};

fn update(event: &str) -> Result<ProfileUpdate, Ignored> {
    profile::update(event.as_bytes(), &Layout::default())
}

fn with_prefix(prefix: &str, event: &str) -> Result<(String, Vec<(String, String)>), Ignored> {
    let layout = Layout {
        prefix: Prefix::parse(prefix),
        workspace_id: "w".to_owned(),
        destination_id: "d".to_owned(),
        ..Layout::default()
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let update = profile::update(event.as_bytes(), &layout)?;
    let fields = update
        .fields()
        .map(|(name, value)| (text(name), text(value)));
    Ok((text(update.key()), fields.collect()))
}

/// `{"userId":"u","<place>":…}` with so many containers in all, the event counted.
fn nested(place: &str, open: &str, close: &str, containers: usize) -> String {
    let inner = containers - 1 - usize::from(place.starts_with("context"));
    let value = format!("{}1{}", open.repeat(inner), close.repeat(inner));
    match place {
        "context.traits" => format!(r#"{{"userId":"u","context":{{"traits":{value}}}}}"#),
        "context.other" => {
            format!(r#"{{"userId":"u","traits":{{"a":1}},"context":{{"x":{value}}}}}"#)
        }
        "other" => format!(r#"{{"userId":"u","traits":{{"a":1}},"x":{value}}}"#),
        place => format!(r#"{{"userId":"u","{place}":{value}}}"#),
    }
}

#[test]
fn depth_is_counted_in_all_places_alike() {
    for place in ["traits", "context.traits", "context.other", "other"] {
        let deepest = update(&nested(place, "{\"a\":", "}", MAX_DEPTH));
        assert!(deepest.is_ok(), "{place}: {deepest:?}");
        let deeper = update(&nested(place, "{\"a\":", "}", MAX_DEPTH + 1));
        assert_eq!(deeper, Err(Ignored::TooDeep), "{place}");
    }
    let arrays = |containers: usize| {
        let inner = containers - 2;
        format!(
            r#"{{"userId":"u","traits":{{"a":{}{}}}}}"#,
            "[".repeat(inner),
            "]".repeat(inner)
        )
    };
    assert!(update(&arrays(MAX_DEPTH)).is_ok());
    assert_eq!(update(&arrays(MAX_DEPTH + 1)), Err(Ignored::TooDeep));
    // Far beyond what any stack would bear.
    assert_eq!(
        update(&nested("traits", "{\"a\":", "}", 500_000)),
        Err(Ignored::TooDeep)
    );
    assert_eq!(
        update(&nested("other", "[", "]", 1_000_000)),
        Err(Ignored::TooDeep)
    );
}

#[test]
fn repeated_names_cannot_blow_up_memory() {
    // A name of one megabyte above thousands of values: four megabytes ask for gigabytes.
    let name = "n".repeat(1 << 20);
    let leaves: Vec<_> = (0..10_000).map(|leaf| format!("\"{leaf}\":1")).collect();
    let event = format!(
        r#"{{"userId":"u","traits":{{"{name}":{{{}}}}}}}"#,
        leaves.join(",")
    );
    assert_eq!(update(&event), Err(Ignored::TooLarge));
    let event = format!(
        r#"{{"userId":"u","traits":{{"a":"{}"}}}}"#,
        "x".repeat(MAX_FLATTENED_BYTES)
    );
    assert_eq!(update(&event), Err(Ignored::TooLarge));
    let most = "x".repeat(MAX_FLATTENED_BYTES - 1);
    let event = format!(r#"{{"userId":"u","traits":{{"a":"{most}"}}}}"#);
    assert_eq!(
        update(&event).unwrap().bytes(),
        MAX_FLATTENED_BYTES + "user:u".len()
    );
}

#[test]
fn a_hundred_thousand_traits_repeated_and_colliding() {
    let members: Vec<_> = (0..100_000)
        .map(|index| format!("\"t{index}\":{index}"))
        .collect();
    let again: Vec<_> = (0..100_000)
        .map(|index| format!("\"t{index}\":\"again\""))
        .collect();
    let event = format!(
        r#"{{"userId":"u","traits":{{{},{}}}}}"#,
        members.join(","),
        again.join(",")
    );
    let wide = update(&event).unwrap();
    assert_eq!(wide.fields().len(), 100_000);
    assert!(wide.fields().all(|(_, value)| value == b"again"));
    let event = format!(
        r#"{{"userId":"u","traits":{{"t1":null,"a.b":1}},"context":{{"traits":{{{}}}}}}}"#,
        members.join(",")
    );
    let update = update(&event).unwrap();
    assert_eq!(update.fields().len(), 100_000);
    assert!(!update.fields().any(|(name, _)| name == b"t1"));
}

#[test]
fn a_number_out_of_range_anywhere_ignores_the_event() {
    for place in [
        r#""traits":{"a":1,"b":1e400}"#,
        r#""traits":{"a":1,"b":[{"c":-1e400}]}"#,
        r#""traits":{"a":1,"a.b":1e400,"a.b":2}"#,
        r#""traits":{"a":1},"context":{"traits":{"b":1e400}}"#,
        r#""traits":{"a":1},"context":{"x":[1e400]}"#,
        r#""traits":{"a":1},"properties":{"x":1e400}"#,
        r#""traits":{"a":1},"integrations":{"x":1e400}"#,
        r#""traits":{"a":1},"userId":1e400"#,
    ] {
        let event = format!(r#"{{"userId":"u",{place}}}"#);
        assert_eq!(update(&event), Err(Ignored::NumberOutOfRange), "{event}");
    }
}

#[test]
fn what_is_not_an_object_is_malformed() {
    for event in [
        "",
        "1",
        "[]",
        "\"x\"",
        "{",
        r#"{"userId":"u","traits":{"a":1}} x"#,
        r#"{"userId":"u""traits":{}}"#,
    ] {
        assert_eq!(update(event), Err(Ignored::Malformed), "{event}");
    }
}

#[test]
fn a_prefix_takes_its_field_away_wherever_it_is() {
    let take = "{{ message.traits.org.id || none }}";
    let fields = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    // What is left empty hides the field of its name, as an empty object does.
    let event =
        r#"{"userId":"u","context":{"traits":{"org":"x","b":1}},"traits":{"org":{"id":"acme"}}}"#;
    assert_eq!(
        with_prefix(take, event).unwrap(),
        ("acme:user:u".to_owned(), fields(&[("b", "1")]))
    );
    let event = r#"{"userId":"u","traits":{"org":{"id":"old","id":"acme","name":"A"}}}"#;
    assert_eq!(
        with_prefix(take, event).unwrap(),
        ("acme:user:u".to_owned(), fields(&[("org.name", "A")]))
    );
    let event = r#"{"userId":"u","traits":{"org":{"id":7}}}"#;
    assert_eq!(with_prefix(take, event), Err(Ignored::PrefixNotText));
    let event = r#"{"traits":{"org":{"id":7}}}"#;
    assert_eq!(with_prefix(take, event), Err(Ignored::BlankUserId));
    // In the JSON text of a "Profiles" event it is missing too; the prefix is not used there.
    let event = r#"{"userId":"u","context":{"sources":{"profiles_entity":"e","profiles_id_type":"i","profiles_model":"m"}},"traits":{"org":{"id":"acme"},"a":1}}"#;
    assert_eq!(
        with_prefix(take, event).unwrap(),
        (
            "w:d:e:i:u".to_owned(),
            fields(&[("m", r#"{"a":1,"org":{}}"#)])
        )
    );
    // A template can take away what makes it a "Profiles" event, an identify call, or a user.
    let model = "{{ message.context.sources.profiles_model || none }}";
    assert_eq!(
        with_prefix(model, event).unwrap(),
        (
            "m:user:u".to_owned(),
            fields(&[("org.id", "acme"), ("a", "1")])
        )
    );
    let event = r#"{"type":"identify","userId":"u","traits":{"a":1}}"#;
    assert_eq!(
        with_prefix("{{ message.type || none }}", event),
        Err(Ignored::TypeTaken)
    );
    assert_eq!(
        with_prefix("{{ message.userId || none }}", event),
        Err(Ignored::BlankUserId)
    );
}

#[test]
fn integrations_decide_by_name_and_by_all() {
    for (integrations, written) in [
        ("{}", true),
        ("null", false),
        ("true", false),
        ("[]", false),
        (r#"{"All":true}"#, true),
        (r#"{"All":false}"#, false),
        (r#"{"All":"true"}"#, false),
        (r#"{"All":null,"Redis":true}"#, false),
        (r#"{"All":false,"Redis":true}"#, true),
        (r#"{"All":false,"Redis":{"a":1}}"#, true),
        (r#"{"All":false,"redis":true}"#, false),
        (r#"{"Redis":false}"#, false),
        (r#"{"Redis":"no"}"#, true),
        (r#"{"All":false,"Redis":1}"#, false),
        (r#"{"Redis":false,"Redis":true}"#, true),
    ] {
        let event = format!(r#"{{"userId":"u","integrations":{integrations},"traits":{{"a":1}}}}"#);
        let expected = if written {
            None
        } else {
            Some(Ignored::IntegrationsOff)
        };
        assert_eq!(update(&event).err(), expected, "{integrations}");
    }
}

#[test]
fn nan_and_infinity_are_null() {
    let event = r#"{"userId":"u","traits":{"a":NaN,"b":[Infinity,-Infinity],"c":1}}"#;
    let update = update(event).unwrap();
    let fields: Vec<_> = update.fields().collect();
    assert_eq!(fields, [(&b"b"[..], &b"[null,null]"[..]), (b"c", b"1")]);
    assert_eq!(
        profile::update(br#"{"userId":NaN,"traits":{"a":1}}"#, &Layout::default()),
        Err(Ignored::BlankUserId)
    );
}
