//! The rules together with a time to live: of the profile, which its clocks share, and of fields.

use std::time::Duration;

use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{
    Expiry, FieldTtls, Layout, Nested, NullTraits, Order, ProfileUpdate, TtlFrom, Writer,
};
use kenwell::{Class, Error};

use crate::behaviour::at;
use crate::model::{BY_TIME, layout};
use crate::support::flavour::Flavour;
use crate::support::load::fields;
use crate::support::server::Server;

const FLAVOURS: [Flavour; 4] = [
    Flavour::Redis,
    Flavour::Redis62,
    Flavour::Redis82,
    Flavour::Valkey,
];

const PROFILE: &str = "user:ada";
const CLOCKS: &str = "kenwell:clocks:{user:ada}";
const HOUR: Duration = Duration::from_hours(1);

fn hour(ttl_from: TtlFrom) -> Expiry {
    Expiry {
        ttl: Some(HOUR),
        ttl_from,
        ..Expiry::default()
    }
}

fn writer(settings: Settings, expiry: Expiry) -> Writer {
    Writer::new(Connection::new(settings).unwrap()).expiring(expiry)
}

/// Events that take each way through the script: the first of all, the same fields again, late ones, other fields,
/// a removal.
fn events(layout: &Layout) -> Vec<ProfileUpdate> {
    [
        (5, r#"{"a":5,"b":5}"#),
        (6, r#"{"a":6,"b":6}"#),
        (1, r#"{"a":1,"b":1}"#),
        (7, r#"{"c":7}"#),
        (8, r#"{"a":8,"b":8}"#),
        (3, r#"{"a":3,"c":3}"#),
        (2, r#"{"d":2}"#),
        (9, r#"{"c":null}"#),
    ]
    .iter()
    .zip(0..)
    .map(|(&(time, traits), offset)| at(layout, (time, offset), traits))
    .collect()
}

async fn write(writer: &mut Writer, update: &ProfileUpdate) {
    let results = writer.attempt(std::slice::from_ref(update)).await;
    assert!(results[0].is_ok(), "{results:?}");
}

/// Milliseconds until the profile and its clocks go, read in one step; -1 for ever, -2 for what is not there.
fn expire_in(server: &Server) -> [i64; 2] {
    let both = "return {redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2])}";
    let reply = server.cli(&["EVAL", both, "2", PROFILE, CLOCKS]);
    let mut lines = reply.lines().map(|line| line.parse().unwrap());
    [lines.next().unwrap(), lines.next().unwrap()]
}

/// They go together, and not before this many milliseconds.
fn assert_together(server: &Server, range: std::ops::RangeInclusive<i64>, when: &str) {
    let [profile, clocks] = expire_in(server);
    assert!(range.contains(&profile), "{when}: {profile}");
    // The script may be held up between the two.
    assert!(
        (profile - clocks).abs() < 5_000,
        "{when}: {profile} {clocks}"
    );
}

/// A machine that is busy may take long to look.
const RENEWED: std::ops::RangeInclusive<i64> = 1_800_000..=3_600_000;
const KEPT: std::ops::RangeInclusive<i64> = 1..=60_000;

fn set_both(server: &Server, command: &[&str]) {
    for key in [PROFILE, CLOCKS] {
        server.cli(&[&[command[0], key], &command[1..]].concat());
    }
}

#[tokio::test]
async fn every_event_renews_profile_and_clocks_also_a_late_one() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let mut writer = writer(server.settings(), hour(TtlFrom::LastIdentify));
        let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
        for (place, update) in events(&layout).iter().enumerate() {
            for before in [&["PEXPIRE", "60000"][..], &["PERSIST"]] {
                set_both(&server, before);
                write(&mut writer, update).await;
                let when = format!("{flavour:?}, event {place} after {before:?}");
                assert_together(&server, RENEWED, &when);
            }
        }
        let stored = fields(writer.connection(), "ada").await;
        let stored: Vec<_> = stored
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(stored, [("a", "8"), ("b", "8"), ("d", "2")], "{flavour:?}");
    }
}

#[tokio::test]
async fn from_the_first_event_on_nothing_renews_them() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let mut writer = writer(server.settings(), hour(TtlFrom::First));
        let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
        for (place, update) in events(&layout).iter().enumerate() {
            let when = format!("{flavour:?}, event {place}");
            write(&mut writer, update).await;
            assert_together(&server, if place == 0 { RENEWED } else { KEPT }, &when);
            // What was written before there was a time to live.
            set_both(&server, &["PERSIST"]);
            write(&mut writer, update).await;
            assert_together(&server, RENEWED, &when);
            // The profile alone: what its clocks have does not count.
            server.cli(&["PEXPIRE", PROFILE, "60000"]);
            write(&mut writer, update).await;
            assert_together(&server, KEPT, &when);
        }
    }
}

#[tokio::test]
async fn what_a_null_has_removed_is_forgotten_with_the_time_of_the_profile() {
    let server = Server::start(&[]);
    for ttl_from in [TtlFrom::LastIdentify, TtlFrom::First] {
        let mut writer = writer(server.settings(), hour(ttl_from));
        let layout = layout(BY_TIME, NullTraits::Delete, Nested::Merge);
        write(&mut writer, &at(&layout, (1, 0), r#"{"a":1}"#)).await;
        write(&mut writer, &at(&layout, (2, 1), r#"{"a":null}"#)).await;
        let [profile, clocks] = expire_in(&server);
        assert!(profile == -2 && RENEWED.contains(&clocks), "{clocks}");
        server.cli(&["DEL", CLOCKS]);
    }
}

/// The error of an update that was refused, which was nobody's fault, however often it is tried.
async fn refusal(writer: &mut Writer, update: &ProfileUpdate) -> Error {
    // More often than it takes to condemn an update.
    for _attempt in 0..30 {
        let results = writer.attempt(std::slice::from_ref(update)).await;
        let error = results[0].as_ref().unwrap_err();
        assert_eq!(error.class(), Class::Configuration, "{error}");
        assert!(!writer.is_suspect(update), "{error}");
    }
    writer.attempt(std::slice::from_ref(update)).await[0]
        .clone()
        .unwrap_err()
}

#[tokio::test]
async fn a_script_that_is_refused_a_time_to_live_condemns_nobody_and_names_the_setting() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &[]);
        let mut settings = server.settings();
        settings.username = Some("u".to_owned());
        settings.password = Some(Secret::new("p"));
        assert_eq!(server.command("ACL SETUSER u on >p ~* +@all"), "+OK");
        for order in [BY_TIME, Order::ByArrival] {
            let layout = layout(order, NullTraits::Delete, Nested::Merge);
            for (ttl_from, right, setting) in [
                (TtlFrom::LastIdentify, "pexpire", "ttl"),
                (TtlFrom::First, "pexpire", "ttl"),
                (TtlFrom::First, "pttl", "ttl_from"),
            ] {
                let update = at(&layout, (5, 0), r#"{"a":5,"b":null}"#);
                let mut writer = writer(settings.clone(), hour(ttl_from));
                server.command(&format!("ACL SETUSER u -{right}"));
                let error = refusal(&mut writer, &update).await;
                assert!(
                    matches!(&error, Error::Needed { need, .. } if need.setting == setting),
                    "{flavour:?} {order:?}: {error}"
                );
                let says = error.to_string();
                assert!(
                    says.contains("can't run this") || says.contains(&format!("run the '{right}'")),
                    "{says}"
                );
                assert!(
                    !says.contains("user_script:") && !says.contains("User u"),
                    "{says}"
                );
                // Meanwhile somebody else writes something older.
                let late = at(&layout, (4, 1), r#"{"a":4,"c":4}"#);
                let mut other = Writer::new(server.connection());
                if order == BY_TIME {
                    write(&mut other, &late).await;
                }
                server.command("ACL SETUSER u +@all");
                write(&mut writer, &update).await;
                let stored = fields(writer.connection(), "ada").await;
                assert_eq!(stored["a"], "5", "{flavour:?} {order:?}");
                let [profile, clocks] = expire_in(&server);
                assert!(RENEWED.contains(&profile), "{profile}");
                assert!((order == BY_TIME) == RENEWED.contains(&clocks), "{clocks}");
                server.cli(&["FLUSHALL"]);
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_command_condemns_nobody() {
    for flavour in FLAVOURS {
        let server = Server::of(flavour, &["--rename-command", "PEXPIRE", ""]);
        for order in [BY_TIME, Order::ByArrival] {
            let layout = layout(order, NullTraits::Delete, Nested::Merge);
            let mut writer = writer(server.settings(), hour(TtlFrom::LastIdentify));
            let update = at(&layout, (5, 0), r#"{"a":5,"b":null}"#);
            let error = refusal(&mut writer, &update).await;
            assert!(
                matches!(&error, Error::Needed { need, .. } if need.setting == "ttl"),
                "{flavour:?} {order:?}: {error}"
            );
            let says = error.to_string();
            assert!(
                says.contains("unknown command 'PEXPIRE'") && !says.contains("json"),
                "{says}"
            );
        }
    }
}

#[tokio::test]
async fn in_the_order_of_arrival_fields_and_profiles_expire_whatever_is_removed() {
    for flavour in [Flavour::Redis82, Flavour::Valkey] {
        let server = Server::of(flavour, &[]);
        let ttls = [("cart.*".to_owned(), HOUR / 2)];
        let expiry = Expiry {
            field_ttls: FieldTtls::new(ttls).unwrap(),
            ..hour(TtlFrom::LastIdentify)
        };
        let mut writer = writer(server.settings(), expiry);
        let layout = layout(Order::ByArrival, NullTraits::Delete, Nested::Replace);
        for (traits, names) in [
            (
                r#"{"a":1,"cart":{"x":1,"y":1}}"#,
                &["a", "cart.x", "cart.y"][..],
            ),
            (r#"{"cart":{"y":2,"z":2}}"#, &["a", "cart.y", "cart.z"]),
            (r#"{"a":2}"#, &["a", "cart.y", "cart.z"]),
            (r#"{"cart":null,"b":{}}"#, &["a"]),
            (r#"{"a":null,"cart":{"x":3}}"#, &["cart.x"]),
        ] {
            server.cli(&["PEXPIRE", PROFILE, "60000"]);
            write(&mut writer, &at(&layout, (1, 0), traits)).await;
            let stored = fields(writer.connection(), "ada").await;
            let stored: Vec<_> = stored.keys().collect();
            assert_eq!(stored, names, "{flavour:?} {traits}");
            let [profile, clocks] = expire_in(&server);
            assert!(
                RENEWED.contains(&profile) && clocks == -2,
                "{traits}: {profile}"
            );
            for name in names {
                let left = server.cli(&["HPTTL", PROFILE, "FIELDS", "1", name]);
                let left: i64 = left.parse().unwrap();
                let goes = (900_000..=1_800_000).contains(&left);
                assert!(
                    if *name == "a" { left == -1 } else { goes },
                    "{traits}: {name} {left}"
                );
            }
        }
        // The last field goes, and with it the profile: there is nothing to expire.
        write(&mut writer, &at(&layout, (1, 0), r#"{"cart":null}"#)).await;
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{flavour:?}");
    }
}
