//! A program without async: it counts how often somebody came, and shows what events have said about them.
//!
//! `cargo run -p kenwell --example blocking -- redis://127.0.0.1:6379`
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use kenwell::blocking::{Connection, StateStore, profile};
use kenwell::connection::Settings;
use kenwell::profile::Layout;
use kenwell::state::JsonError;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct User {
    visits: u32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let connection = Connection::new(Settings::from_url(&url)?)?;
    let store = StateStore::build(&connection, |builder| builder.key_prefix("desk"))?;
    for _visit in 0..2 {
        let visits = store.update("ada", |record| {
            let mut user: User = record.user()?.unwrap_or_default();
            user.visits += 1;
            record.set_user(&user)?;
            Ok::<_, JsonError>(user.visits)
        })?;
        println!("visit {visits}");
    }
    match profile::read(&connection, &Layout::default(), "ada")? {
        Some(traits) => println!("{} traits", traits.len()),
        None => println!("no event has said anything yet"),
    }
    Ok(())
}
