//! User data that only the application can read, under keys that do not tell who the user is.
//!
//! `cargo run -p kenwell --example encrypted_user -- redis://127.0.0.1:6379`
#![expect(clippy::print_stdout, reason = "an example that people run by hand")]

use kenwell::connection::{Connection, Settings};
use kenwell::state::encryption::{Key, KeyRing};
use kenwell::state::hashing::UserIdHash;
use kenwell::state::{Entry, StateStore};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct User {
    name: String,
    iban: String,
}

/// A store with this key ring. In a program of yours the secrets come from its environment.
fn store(connection: Connection, keys: Vec<Key>) -> Result<StateStore, Box<dyn std::error::Error>> {
    Ok(StateStore::builder(connection)
        .key_prefix("bank")
        .entries([
            Entry::new("user").user().encrypted(),
            Entry::new("times").created_at().updated_at(),
        ])
        .encryption(KeyRing::new(keys)?)
        .hash_user_ids(UserIdHash::new(b"change me, and keep me secret")?)
        .build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args()
        .nth(1)
        .or_else(|| std::env::var("REDIS_URL").ok());
    let url = given.unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let connection = Connection::new(Settings::from_url(&url)?)?;
    let old = Key::parse("2025", &"5c".repeat(32))?;
    let new = Key::parse("2026", &"a9".repeat(32))?;

    let before = store(connection.clone(), vec![old.clone()])?;
    let mut record = before.load_or_new("ada@example.org").await?;
    record.set_user(&User {
        name: "Ada".to_owned(),
        iban: "DE02120300000000202051".to_owned(),
    })?;
    before.save("ada@example.org", &mut record).await?;
    for key in before.keys("ada@example.org").await? {
        println!("saved at {}", String::from_utf8_lossy(&key));
    }

    // Rotation: the new key in front seals, the old one still opens. Each save moves a user over.
    let after = store(connection.clone(), vec![new.clone(), old])?;
    let mut record = after
        .load("ada@example.org")
        .await?
        .ok_or("nothing was saved")?;
    println!(
        "opened with the old key: {:?}",
        record.user::<User>()?.map(|user| user.name)
    );
    after.save("ada@example.org", &mut record).await?;

    // And later the old one can go.
    let finally = store(connection, vec![new])?;
    let record = finally
        .load("ada@example.org")
        .await?
        .ok_or("nothing was saved")?;
    println!(
        "opened with the new key: {:?}",
        record.user::<User>()?.map(|user| user.name)
    );
    Ok(())
}
