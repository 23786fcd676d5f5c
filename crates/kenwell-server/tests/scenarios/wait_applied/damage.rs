//! An event that the journal loses while somebody waits for it.

use super::{event, page};
use crate::support::{Client, Inside, Redis, eventually};

/// Flips a byte of the record that holds this text, in whatever segment it is.
fn damage(inside: &Inside, text: &str) {
    let files = std::fs::read_dir(inside.directory().join("journal")).unwrap();
    let found = files.map(|file| file.unwrap().path()).find_map(|path| {
        let bytes = std::fs::read(&path).unwrap();
        let mut windows = bytes.windows(text.len());
        let at = windows.position(|window| window == text.as_bytes())?;
        Some((path, bytes, at))
    });
    let (path, mut bytes, at) = found.unwrap();
    bytes[at] ^= 0x55;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_the_journal_lost_is_never_called_applied() {
    let mut redis = Redis::start();
    let inside = Inside::with_small_segments(&format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"WK\"\ndestinations = [\"profiles\"]\n\
         [[destinations]]\nid = \"profiles\"\naddress = \"{}\"\n",
        redis.address()
    ));
    redis.kill();
    let accepted = |events: u64| {
        eventually("events to be accepted", || {
            let counts = inside.counters("profiles").event_counts();
            (counts.accepted == events).then_some(())
        });
    };
    // The delivery has these in hand, and reads no further until they are written.
    let mut client = Client::connect(&inside.gateway);
    for number in 0..100 {
        client.identify(&event(&format!("u{number}"), number));
    }
    let waiting = ["lost", "kept"].map(|user| {
        let (gateway, event) = (inside.gateway.clone(), event(user, 1));
        let path = "/v1/identify?wait=applied&timeout=60s";
        std::thread::spawn(move || Client::connect(&gateway).post(path, event.as_bytes()))
    });
    accepted(102);
    // The newest segment is left alone.
    for number in 0..100 {
        client.identify(&event(&format!("v{number}"), number));
    }
    damage(&inside, "\"userId\":\"lost\"");
    redis.restart();
    let [lost, kept] = waiting.map(|waiting| waiting.join().unwrap().unwrap());
    let said = page(&lost);
    assert_eq!(
        (&said["reason"], &said["refused"]),
        (&"refused".into(), &1.into()),
        "{said}"
    );
    assert_eq!(kept.status, 200, "{}", kept.text());
    inside.settle("profiles");
    assert_eq!(inside.counters("profiles").event_counts().lost, 1);
}
