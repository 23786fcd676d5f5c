//! Records that are damaged on disk are counted as lost, and cost nobody else anything.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    sampler,
    support::{Redis, Server, eventually, metric, post},
};

/// Users, of one event each.
const USERS: usize = 4_000;
/// Events of a request.
const BATCH: usize = 100;
/// Segments of half a mebibyte, so that the events fill several.
const JOURNAL: &str = "[journal]\nmax_bytes = 4194304\n";

/// Breaks something of the journal in this directory.
type Damage = fn(&Path);

/// Sends while Redis is away, damages the journal while nobody has it open, and lets it be delivered.
fn after(damage: Damage) {
    let mut redis = Redis::start();
    let tables = format!(
        "{JOURNAL}[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"left\"]\n\
         [[destinations]]\nid = \"left\"\naddress = \"{}\"\n",
        redis.address()
    );
    redis.kill();
    let mut server = Server::with(&tables);
    let users: Vec<usize> = (0..USERS).collect();
    for batch in users.chunks(BATCH) {
        let events: Vec<_> = batch.iter().map(|user| event(*user)).collect();
        let body = format!("{{\"batch\":[{}]}}", events.join(","));
        assert_eq!(post(&server.gateway, "/v1/batch", body).status, 200);
    }
    assert!(server.terminate().success());
    damage(&server.data_dir().join("journal"));
    redis.restart();
    server.restart();

    let page = eventually("everything to have an outcome", || {
        let page = server.metrics();
        (sampler::queued(&page, "left") == Some(0)).then_some(page)
    });
    let mut profiles = redis::pipe();
    for user in &users {
        profiles.exists(format!("user:u{user}"));
    }
    let there: Vec<bool> = profiles.query(&mut redis.connection()).unwrap();
    let missing = there.iter().filter(|there| !**there).count();
    let count = |name: &str| {
        let name = format!("kenwell_destination_{name}_total");
        usize::try_from(metric(&page, &name, "left")).unwrap()
    };
    let lost = count("lost");
    assert!((1..USERS).contains(&lost), "{lost} are counted as lost");
    assert_eq!(missing, lost, "missing, and counted as lost");
    assert_eq!((count("accepted"), count("written")), (USERS, USERS - lost));
    assert!(server.log().contains(" ERROR "), "a loss is an error");
}

fn event(user: usize) -> String {
    let pad = "x".repeat(300);
    format!(r#"{{"type":"identify","userId":"u{user}","traits":{{"pad":"{pad}"}}}}"#)
}

fn segments(journal: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(journal)
        .unwrap()
        .map(|file| file.unwrap().path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "segment");
    let mut segments: Vec<_> = files.filter(is_segment).collect();
    segments.sort();
    assert!(segments.len() > 3, "{segments:?}");
    segments
}

/// Changes a byte of one user's event.
fn flip(journal: &Path, user: usize) {
    let needle = format!("\"userId\":\"u{user}\"");
    for segment in segments(journal) {
        let bytes = fs::read(&segment).unwrap();
        let mut places = bytes.windows(needle.len());
        if let Some(place) = places.position(|window| window == needle.as_bytes()) {
            let file = OpenOptions::new().write(true).open(segment).unwrap();
            file.write_all_at(b"#", u64::try_from(place).unwrap())
                .unwrap();
            return;
        }
    }
    panic!("{needle} is in no segment");
}

#[test]
fn a_damaged_record_is_lost_and_counted_and_the_others_are_whole() {
    after(|journal| flip(journal, USERS / 3));
}

#[test]
fn a_segment_that_is_gone_is_lost_and_counted_and_the_others_are_whole() {
    after(|journal| fs::remove_file(&segments(journal)[1]).unwrap());
}

#[test]
fn damage_in_many_places_is_lost_and_counted_and_the_others_are_whole() {
    after(|journal| {
        for user in [0, USERS / 5, USERS / 2, USERS / 2 + 1, USERS - 2] {
            flip(journal, user);
        }
    });
}
