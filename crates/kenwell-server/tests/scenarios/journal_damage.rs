//! A damaged journal: what can be read is delivered, what cannot is counted as lost, and nothing hangs.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kenwell_server::runtime::Edit;
use serde_json::json;

use crate::support::{Client, Inside, Redis, Server, destination_change, eventually, metric, post};

/// Two destinations; `web` feeds both, `app` only the second.
fn tables(redis: &Redis) -> String {
    format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"one\", \"two\"]\n\
         [[sources]]\nid = \"app\"\nwrite_key = \"APP\"\ndestinations = [\"two\"]\n\
         [[destinations]]\nid = \"one\"\naddress = \"{0}\"\nprefix = \"one\"\n\
         [[destinations]]\nid = \"two\"\naddress = \"{0}\"\nprefix = \"two\"\n",
        redis.address()
    )
}

fn pause(inside: &Inside, id: &str, paused: bool) {
    let paused = paused.then_some(true);
    inside.edit(Edit::ChangeDestination {
        id: id.to_owned(),
        change: destination_change(json!({ "paused": paused })),
    });
}

/// Sends users `from` to `to`, every fourth by `app`.
fn send(inside: &Inside, users: std::ops::Range<u64>) {
    let mut client = Client::connect(&inside.gateway);
    for user in users {
        let event = format!("{{\"userId\":\"u{user:04}\",\"traits\":{{\"n\":{user}}}}}");
        let key = if user % 4 == 0 { "APP" } else { "WK" };
        let reply = client.post_as(key, "/v1/identify", "", event.as_bytes());
        assert_eq!(reply.unwrap().text(), "ok");
    }
}

fn segments(journal: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(journal).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "segment"))
        .collect();
    files.sort();
    files
}

/// Deletes the oldest and another segment, shortens a third and the newest, and flips a byte of a fifth.
fn damage(journal: &Path) {
    let files = segments(journal);
    assert!(files.len() > 6, "{}", files.len());
    std::fs::remove_file(&files[0]).unwrap();
    std::fs::remove_file(&files[2]).unwrap();
    for file in [&files[3], files.last().unwrap()] {
        let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        file.set_len(500).unwrap();
    }
    let mut bytes = std::fs::read(&files[5]).unwrap();
    bytes[1000] ^= 0x55;
    std::fs::write(&files[5], bytes).unwrap();
}

/// How many users each destination has in Redis.
fn there(redis: &Redis) -> [u64; 2] {
    ["one:user:*", "two:user:*"]
        .map(|pattern| redis.command::<Vec<String>>(&["KEYS", pattern]).len() as u64)
}

#[track_caller]
fn assert_balance(inside: &Inside) {
    for id in ["one", "two"] {
        let counts = inside.counters(id).event_counts();
        assert_eq!(
            counts.accepted,
            counts.settled() + counts.queued(),
            "{counts:?}"
        );
        let shown = ["accepted_total", "written_total", "lost_total", "queued"];
        let shown = shown.map(|name| inside.count(name, id));
        assert_eq!(
            shown,
            [
                counts.accepted,
                counts.written,
                counts.lost,
                counts.queued()
            ]
        );
    }
}

#[test]
fn what_is_damaged_while_it_runs_is_counted_exactly() {
    let redis = Redis::start();
    let inside = Inside::with_small_segments(&tables(&redis));
    for id in ["one", "two"] {
        pause(&inside, id, true);
    }
    send(&inside, 0..400);
    damage(&inside.directory().join("journal"));
    for id in ["one", "two"] {
        pause(&inside, id, false);
        inside.settle(id);
    }
    assert_balance(&inside);
    let [one, two] = there(&redis);
    let lost = |id| inside.counters(id).event_counts().lost;
    assert!(lost("one") > 20 && lost("two") > lost("one"));
    assert_eq!([one + lost("one"), two + lost("two")], [300, 400]);
    // It goes on as if nothing had been.
    send(&inside, 400..404);
    for id in ["one", "two"] {
        inside.settle(id);
    }
    assert_eq!(there(&redis), [one + 3, two + 4]);
    assert_balance(&inside);
}

#[test]
fn what_is_damaged_at_a_start_is_counted_for_whom_it_may_have_been() {
    let redis = Redis::start();
    let inside = Inside::with_small_segments(&tables(&redis));
    pause(&inside, "one", true);
    send(&inside, 0..400);
    inside.settle("two");
    let inside = inside.restart_after(damage);
    let lost = eventually("the loss to be counted", || {
        let lost = inside.counters("one").event_counts().lost;
        (lost > 0).then_some(lost)
    });
    let waiting = inside.counters("one").queued();
    assert_balance(&inside);
    pause(&inside, "one", false);
    inside.settle("one");
    assert_balance(&inside);
    // Every record that is gone may have been for "one", though every fourth was not.
    let counts = inside.counters("one").event_counts();
    assert_eq!((counts.lost, counts.written), (lost, waiting));
    assert_eq!(there(&redis), [waiting, 400]);
    assert!(
        (300 - waiting..=400 - waiting).contains(&lost),
        "{lost}, {waiting}"
    );
    // "two" had everything before.
    assert_eq!(inside.counters("two").event_counts().accepted, 0);
}

#[test]
fn a_replay_over_a_damaged_end_ends_and_holds_nobody_up() {
    let redis = Redis::start();
    let inside = Inside::with_small_segments(&tables(&redis));
    send(&inside, 0..400);
    for id in ["one", "two"] {
        inside.settle(id);
    }
    damage(&inside.directory().join("journal"));
    let _: () = redis.command(&["FLUSHALL"]);
    let replayed = inside.runtime.replay("one", Timestamp::UNIX_EPOCH);
    let replayed = inside.executor.block_on(replayed).unwrap();
    inside.settle("one");
    assert_balance(&inside);
    assert_eq!(there(&redis), [replayed, 0]);
    // Lost they are not: each has had its outcome before.
    assert_eq!(inside.counters("one").event_counts().lost, 0);
    send(&inside, 400..404);
    pause(&inside, "two", true);
    inside.settle("one");
    assert_eq!(there(&redis)[0], replayed + 3);
}

#[test]
fn a_newest_segment_that_is_cut_short_or_gone_costs_what_it_held() {
    for length in [Some(1_500), Some(10), Some(0), None] {
        let mut redis = Redis::start();
        let mut server = Server::start(&redis);
        redis.kill();
        for user in 0..30 {
            let event = format!("{{\"userId\":\"u{user}\",\"traits\":{{\"n\":{user}}}}}");
            assert_eq!(post(&server.gateway, "/v1/identify", &event).text(), "ok");
        }
        server.kill();
        let newest = segments(&server.data_dir().join("journal")).pop().unwrap();
        if let Some(length) = length {
            let file = std::fs::OpenOptions::new().write(true).open(&newest);
            file.unwrap().set_len(length).unwrap();
        } else {
            std::fs::remove_file(&newest).unwrap();
        }
        server.restart();
        let shown = |name| {
            let name = format!("kenwell_destination_{name}");
            metric(&server.metrics(), &name, "destination=\"profiles\"")
        };
        let (lost, queued) = (shown("lost_total"), shown("queued"));
        assert_eq!((shown("accepted_total"), lost + queued), (30, 30));
        assert!(
            lost > 0 && (length == Some(1_500)) == (queued > 0),
            "{lost}, {queued}"
        );
        redis.restart();
        server.settle("profiles");
        let users: Vec<String> = redis.command(&["KEYS", "user:*"]);
        assert_eq!((users.len() as u64, shown("lost_total")), (queued, lost));
        let log = server.log();
        assert_eq!(
            log.matches("events for the destination may have been")
                .count(),
            1
        );
        let overview = server.ask("GET", "/api/v1/overview", "").text();
        assert!(overview.contains(&format!("\"lost\":{lost}")), "{overview}");
    }
}

#[test]
fn a_destination_whose_cursor_is_missing_gets_what_waited() {
    let mut redis = Redis::start();
    let mut server = Server::start(&redis);
    redis.kill();
    for user in 0..20 {
        let event = format!("{{\"userId\":\"u{user}\",\"traits\":{{\"n\":{user}}}}}");
        assert_eq!(post(&server.gateway, "/v1/identify", &event).text(), "ok");
    }
    for content in [None, Some(&b""[..]), Some(b"KENWELLC and no more")] {
        server.kill();
        let cursor = server.data_dir().join("journal/profiles.cursor");
        std::fs::remove_file(&cursor).unwrap();
        if let Some(content) = content {
            std::fs::write(&cursor, content).unwrap();
        }
        server.restart();
        let page = server.metrics();
        assert!(
            page.contains("kenwell_destination_queued{destination=\"profiles\"} 20"),
            "{page}"
        );
    }
    let log = server.log();
    assert!(log.contains("the cursor's file is missing; it begins again at the oldest record"));
    assert!(log.contains("the cursor's file is damaged; it begins again at the oldest record"));
    redis.restart();
    server.settle("profiles");
    let users: Vec<String> = redis.command(&["KEYS", "user:*"]);
    assert_eq!(users.len(), 20);
}
