//! A chat bot that remembers the last ten turns of each user.
//!
//! `cargo run -p kenwell --example chat_history -- redis://127.0.0.1:6379`
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use kenwell::connection::{Connection, Settings};
use kenwell::state::{Entry, Error, HistoryElement, Record, StateStore, StoredElements};
use serde::{Deserialize, Serialize};

/// What the bot knows about somebody.
#[derive(Default, Serialize, Deserialize)]
struct User {
    name: Option<String>,
    turns: u32,
}

#[derive(Serialize, Deserialize)]
struct Turn {
    user: String,
    bot: String,
}

/// What the bot says, given what was said before, newest first.
fn reply(user: &mut User, before: &[Turn], said: &str) -> String {
    user.turns += 1;
    if let Some(name) = said.strip_prefix("I am ") {
        user.name = Some(name.to_owned());
        return format!("Nice to meet you, {name}.");
    }
    if said == "What did I say first?" {
        let first = before.last().map_or("nothing", |turn| &turn.user);
        return format!("As far as I remember: {first}");
    }
    let name = user.name.as_deref().unwrap_or("stranger");
    format!("Go on, {name}.")
}

/// One turn. When two messages of one user arrive at the same time, the later one begins again.
async fn turn(
    store: &StateStore,
    id: &str,
    said: &str,
) -> Result<String, Box<dyn std::error::Error>> {
    loop {
        let mut record: Record = store.load_or_new(id).await?;
        let mut user: User = record.user()?.unwrap_or_default();
        let answer = reply(&mut user, &record.history()?, said);
        record.set_user(&user)?;
        record.push_history(&Turn {
            user: said.to_owned(),
            bot: answer.clone(),
        })?;
        match store.save_if_unchanged(id, &mut record).await {
            Ok(()) => return Ok(answer),
            Err(Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let store = StateStore::builder(Connection::new(Settings::from_url(&url)?)?)
        .key_prefix("chat")
        .entries([Entry::new("data").everything().ttl_seconds(30 * 86_400)])
        .elements(StoredElements {
            history: Some(HistoryElement {
                size: 10,
                fields: None,
            }),
            ..StoredElements::default()
        })
        .build()?;
    store.delete("ada").await?;
    for number in 1..=4 {
        turn(&store, "ada", &format!("Message {number}")).await?;
    }
    for said in ["I am Ada", "Hello", "What did I say first?"] {
        println!("ada: {said}");
        println!("bot: {}", turn(&store, "ada", said).await?);
    }
    for number in 5..=9 {
        turn(&store, "ada", &format!("Message {number}")).await?;
    }
    let record = store.load("ada").await?.ok_or("nothing was saved")?;
    let turns = record.history::<Turn>()?.len();
    let total = record.user::<User>()?.unwrap_or_default().turns;
    println!("chat:data:ada holds {turns} of {total} turns.");
    Ok(())
}
