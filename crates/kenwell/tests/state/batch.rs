//! Calls of many users in one pipeline: each as if it had come alone.

use kenwell::state::values::{self, Answer, Expected, Request};

use super::values::{read, texts, write};
use crate::support::server::Server;

fn store(key: &str) -> Request {
    Request::Store {
        writes: vec![write(key, "1"), write("shared", key)],
    }
}

fn fetch(keys: &[&str]) -> Request {
    Request::Fetch {
        reads: keys.iter().copied().map(read).collect(),
        profile_key: None,
    }
}

#[tokio::test]
async fn requests_are_answered_in_their_order_and_executed_in_it() {
    let server = Server::start(&[]);
    let requests = [
        store("a"),
        fetch(&["a", "nothing"]),
        store("b"),
        fetch(&["shared"]),
        Request::Remove {
            keys: vec![b"a".into(), b"nothing".into()],
        },
        fetch(&["a"]),
    ];
    let mut answers = values::execute(&server.connection(), &requests)
        .await
        .into_iter();
    let mut next = || answers.next().unwrap().unwrap();
    let values = |answer| match answer {
        Answer::Fetched(fetched) => texts(fetched),
        other => panic!("{other:?}"),
    };
    assert!(matches!(next(), Answer::Stored));
    assert_eq!(values(next()), [Some("1".to_owned()), None]);
    assert!(matches!(next(), Answer::Stored));
    assert_eq!(values(next()), [Some("b".to_owned())]);
    assert!(matches!(next(), Answer::Removed(1)));
    assert_eq!(values(next()), [None]);
}

#[tokio::test]
async fn none_fails_because_of_another_one() {
    let server = Server::start(&[]);
    server.cli(&["RPUSH", "list", "x"]);
    let compare = |key: &str, value: &str| Request::StoreUnchanged {
        expected: vec![Expected {
            key: key.into(),
            value: Some(value.into()),
        }],
        writes: vec![write(key, "new")],
    };
    server.cli(&["SET", "compared", "old"]);
    server.cli(&["SET", "profile", "no hash"]);
    let requests = [
        store("a"),
        fetch(&["list", "a"]),
        compare("compared", "other"),
        Request::Fetch {
            reads: vec![read("a")],
            profile_key: Some(b"profile".into()),
        },
        compare("compared", "old"),
        store("b"),
    ];
    let answers = values::execute(&server.connection(), &requests).await;
    assert!(matches!(answers[0], Ok(Answer::Stored)));
    let Ok(Answer::Fetched(fetched)) = &answers[1] else {
        panic!("{:?}", answers[1])
    };
    let error = fetched.values[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("WRONGTYPE") && error.contains("`list`"));
    assert!(matches!(&fetched.values[1], Ok(Some(value)) if value == b"1"));
    assert!(matches!(answers[2], Ok(Answer::Compared { stored: false })));
    let error = answers[3].as_ref().unwrap_err().to_string();
    assert!(error.contains("WRONGTYPE") && error.contains("`profile`"));
    assert!(matches!(answers[4], Ok(Answer::Compared { stored: true })));
    assert!(matches!(answers[5], Ok(Answer::Stored)));
    assert_eq!(server.cli(&["GET", "compared"]).trim(), "new");
}
