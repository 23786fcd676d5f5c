//! A bot that asks for a name and a town, and remembers where it was when it is started again.
//!
//! `cargo run -p kenwell-teloxide --example dialogue_bot -- redis://127.0.0.1:6379` plays a conversation without Telegram.
//! With a token in `TELOXIDE_TOKEN` it is a bot; for that, add TLS to teloxide in your `Cargo.toml` (its feature `rustls`).
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use std::sync::Arc;

use kenwell::connection::{Connection, Settings};
use kenwell_teloxide::RedisStorage;
use serde::{Deserialize, Serialize};
use teloxide::dispatching::dialogue::serializer::Json;
use teloxide::prelude::*;

#[derive(Clone, Default, Serialize, Deserialize)]
enum State {
    #[default]
    Start,
    AskedName,
    AskedTown {
        name: String,
    },
}

type BotStorage = RedisStorage<Json>;
type BotDialogue = Dialogue<State, BotStorage>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the bot says, and what it remembers.
async fn reply(dialogue: &BotDialogue, said: &str) -> Result<String, Failure> {
    Ok(match dialogue.get_or_default().await? {
        State::Start => {
            dialogue.update(State::AskedName).await?;
            "What is your name?".to_owned()
        }
        State::AskedName => {
            let name = said.to_owned();
            let question = format!("Where do you live, {name}?");
            dialogue.update(State::AskedTown { name }).await?;
            question
        }
        State::AskedTown { name } => {
            dialogue.exit().await?;
            format!("Greetings to {said}, {name}.")
        }
    })
}

async fn answer(bot: Bot, dialogue: BotDialogue, message: Message) -> Result<(), Failure> {
    let said = reply(&dialogue, message.text().unwrap_or_default()).await?;
    bot.send_message(message.chat.id, said).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let given = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let connection = Connection::new(Settings::from_url(&url)?)?;
    let storage = RedisStorage::new(connection, Json).key_prefix("bot");
    let storage = Arc::new(storage.ttl_seconds(30 * 86_400));
    let handler = Update::filter_message()
        .enter_dialogue::<Message, BotStorage, State>()
        .endpoint(answer);
    if std::env::var_os("TELOXIDE_TOKEN").is_some() {
        let mut dispatcher = Dispatcher::builder(Bot::from_env(), handler)
            .dependencies(dptree::deps![storage])
            .build();
        dispatcher.dispatch().await;
        return Ok(());
    }
    for said in ["Hello", "Ada", "London"] {
        // As after a restart: nothing but Redis remembers.
        let dialogue = Dialogue::new(Arc::clone(&storage), ChatId(7));
        println!("ada: {said}\nbot: {}", reply(&dialogue, said).await?);
    }
    Ok(())
}
