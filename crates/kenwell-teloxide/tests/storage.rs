//! Dialogues in a real Redis: what teloxide asks of a storage, and what this one adds.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

#[path = "../../kenwell/tests/support/certificates.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
mod certificates;
#[path = "../../kenwell/tests/support/flavour.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
mod flavour;
#[path = "../../kenwell/tests/support/ports.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
mod ports;
#[path = "../../kenwell/tests/support/server.rs"]
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
mod server;

use std::sync::Arc;

use kenwell_teloxide::{RedisStorage, RedisStorageError};
use server::Server;
use teloxide::dispatching::dialogue::serializer::Json;
use teloxide::dispatching::dialogue::{Dialogue, Storage};
use teloxide::types::ChatId;

fn storage(server: &Server) -> Arc<RedisStorage<Json>> {
    Arc::new(RedisStorage::new(server.connection(), Json))
}

/// What is stored of these chats.
async fn dialogues<S>(storage: &Arc<S>, chats: [i64; 3]) -> Vec<Option<String>>
where
    S: Storage<String> + ?Sized,
    S::Error: std::fmt::Debug,
{
    let mut found = Vec::new();
    for chat in chats {
        let dialogue = Arc::clone(storage).get_dialogue(ChatId(chat)).await;
        found.push(dialogue.unwrap());
    }
    found
}

/// What teloxide's own tests ask of each of its storages.
async fn keeps_dialogues<S>(storage: Arc<S>)
where
    S: Storage<String> + ?Sized,
    S::Error: std::fmt::Debug,
{
    // A group has a negative id.
    let chats = [1, 256, -1_001_234_567_890];
    assert_eq!(dialogues(&storage, chats).await, [None, None, None]);
    for chat in chats {
        let update = Arc::clone(&storage).update_dialogue(ChatId(chat), format!("of {chat}"));
        update.await.unwrap();
    }
    let expected = chats.map(|chat| Some(format!("of {chat}")));
    assert_eq!(dialogues(&storage, chats).await, expected);
    for chat in chats {
        let remove = Arc::clone(&storage).remove_dialogue(ChatId(chat));
        remove.await.unwrap();
    }
    assert_eq!(dialogues(&storage, chats).await, [None, None, None]);
}

#[tokio::test]
async fn dialogues_are_kept_updated_and_removed() {
    let server = Server::start(&[]);
    let storage = storage(&server);
    keeps_dialogues(Arc::clone(&storage)).await;
    // The same without the type of its error.
    keeps_dialogues(Storage::<String>::erase(Arc::clone(&storage))).await;
    let dialogue: Dialogue<String, _> = Dialogue::new(storage, ChatId(1));
    assert_eq!(dialogue.get_or_default().await.unwrap(), "");
    dialogue.update("next").await.unwrap();
    assert_eq!(dialogue.get().await.unwrap().as_deref(), Some("next"));
    dialogue.exit().await.unwrap();
    // What is not there cannot be removed.
    let missing = dialogue.exit().await.unwrap_err();
    assert!(matches!(missing, RedisStorageError::DialogueNotFound));
}

#[tokio::test]
async fn keys_and_values_are_those_of_teloxides_own_storage() {
    let server = Server::start(&[]);
    let dialogue: Dialogue<String, _> = Dialogue::new(storage(&server), ChatId(-12));
    server.cli(&["SET", "-12", "\"theirs\""]);
    assert_eq!(dialogue.get().await.unwrap().as_deref(), Some("theirs"));
    dialogue.update("ours").await.unwrap();
    assert_eq!(server.cli(&["GET", "-12"]), "\"ours\"");
    assert_eq!(server.cli(&["TTL", "-12"]), "-1");
}

#[tokio::test]
async fn a_prefix_keeps_bots_apart_and_a_time_to_live_begins_with_each_update() {
    let server = Server::start(&[]);
    let one = RedisStorage::new(server.connection(), Json).key_prefix("one");
    let dialogue: Dialogue<u32, _> = Dialogue::new(Arc::new(one.ttl_seconds(60)), ChatId(7));
    let two = RedisStorage::new(server.connection(), Json).key_prefix("two");
    let other: Dialogue<u32, _> = Dialogue::new(Arc::new(two), ChatId(7));
    dialogue.update(1_u32).await.unwrap();
    server.cli(&["PERSIST", "one:7"]);
    dialogue.update(2_u32).await.unwrap();
    let left: i64 = server.cli(&["TTL", "one:7"]).parse().unwrap();
    assert!((1..=60).contains(&left), "{left}");
    assert_eq!(other.get().await.unwrap(), None);
    other.update(3_u32).await.unwrap();
    assert_eq!(dialogue.get().await.unwrap(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_that_overlap_none_is_lost() {
    const CHANGES: u32 = 50;
    let server = Server::start(&[]);
    let mut programs = Vec::new();
    for _program in 0..2 {
        let storage = RedisStorage::new(server.connection(), Json).ttl_seconds(60);
        programs.push(tokio::spawn(async move {
            for _change in 0..CHANGES {
                let add_one = |seen: Option<u32>| seen.unwrap_or(0) + 1;
                storage.change_dialogue(ChatId(7), add_one).await.unwrap();
            }
        }));
    }
    for program in programs {
        program.await.unwrap();
    }
    assert_eq!(server.cli(&["GET", "7"]), (2 * CHANGES).to_string());
    let left: i64 = server.cli(&["TTL", "7"]).parse().unwrap();
    assert!((1..=60).contains(&left), "{left}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_is_not_changed() {
    let server = Server::start(&[]);
    let storage = storage(&server);
    server.cli(&["SET", "7", "no JSON"]);
    let dialogue: Dialogue<u32, _> = Dialogue::new(Arc::clone(&storage), ChatId(7));
    let unread = dialogue.get().await.unwrap_err();
    assert!(
        matches!(unread, RedisStorageError::SerdeError(_)),
        "{unread}"
    );
    let unchanged = storage.change_dialogue(ChatId(7), |_: Option<u32>| 1).await;
    assert!(matches!(unchanged, Err(RedisStorageError::SerdeError(_))));
    assert_eq!(server.cli(&["GET", "7"]), "no JSON");
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = dialogue.update(1_u32).await.unwrap_err();
    assert!(refused.to_string().contains("OOM"), "{refused}");
    assert!(refused.is_retryable());
}
