//! What holds wherever Redis is.

use std::time::{Duration, Instant};

use kenwell::connection::{Connection, Secret, Settings};
use kenwell::profile::{self, Fold, Layout, ProfileUpdate};
use kenwell::{Class, Error};

use crate::support::load::{fields, update};

/// How long a Redis that comes back, or a failover, may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whose profiles are written.
const USERS: [&str; 2] = ["ada", "ben"];

/// A Redis, the way to it, and how it goes away for a while.
pub(crate) struct Place<'a> {
    pub(crate) settings: Settings,
    /// Kills the server, or the one that has the key `user:ada`.
    pub(crate) lose: Box<dyn FnMut() + 'a>,
    /// Starts it again, unless others take its place.
    pub(crate) restore: Box<dyn FnMut() + 'a>,
    /// Settings that do not let us in, with what must be said about them.
    pub(crate) wrong: Vec<(Settings, Vec<&'static str>)>,
}

/// The whole suite.
pub(crate) async fn behaves(place: Place<'_>) {
    place.settings.validate().unwrap();
    let connection = Connection::new(place.settings.clone()).unwrap();
    connection.ping().await.unwrap();
    profiles(&connection).await;
    for (settings, words) in &place.wrong {
        refuses(settings, words).await;
    }
    reconnects(&connection, place.lose, place.restore).await;
    // Another lane finds the way by itself, and may hear of the switch a moment later.
    let another = connection.another();
    recover(&another).await;
    profiles(&another).await;
}

/// Writes, adds to, reads and deletes profiles.
async fn profiles(connection: &Connection) {
    let layout = Layout::default();
    let mut fold = Fold::default();
    let ada = r#"{"name":"Ada","n":1.50,"address":{"city":"Ö","geo":{"lat":1e2}}}"#;
    fold.push(0, update("ada", ada));
    fold.push(1, update("ben", r#"{"tags":["a",null],"on":true}"#));
    fold.push(2, update("ada", r#"{"name":"Ada L."}"#));
    let results = profile::apply(connection, &fold.finish()).await;
    assert!(
        results.len() == 2 && results.iter().all(Result::is_ok),
        "{results:?}"
    );
    let stored = fields(connection, "ada").await;
    let expected = [
        ("name", "Ada L."),
        ("n", "1.5"),
        ("address.city", "Ö"),
        ("address.geo.lat", "100"),
    ];
    assert_eq!(
        stored,
        expected
            .map(|(name, value)| (name.into(), value.into()))
            .into()
    );
    let more = profile::apply(connection, &[update("ben", r#"{"x":"\u0000"}"#)]).await;
    assert!(more[0].is_ok(), "{more:?}");
    let stored = fields(connection, "ben").await;
    assert_eq!(
        (stored["tags"].as_str(), stored["on"].as_str()),
        (r#"["a",null]"#, "true")
    );
    assert_eq!(stored["x"], "\0");
    assert_eq!(
        profile::expires_in(connection, &layout, "ben")
            .await
            .unwrap(),
        None
    );
    let nothing = profile::apply::<ProfileUpdate>(connection, &[]).await;
    assert!(nothing.is_empty());
    for user in USERS {
        assert!(
            profile::delete(connection, &layout, user).await.unwrap(),
            "{user}"
        );
        assert!(
            !profile::delete(connection, &layout, user).await.unwrap(),
            "{user}"
        );
        assert_eq!(
            profile::read(connection, &layout, user).await.unwrap(),
            None
        );
    }
}

/// What a login, or a handshake, gets that must be refused: an error of the configuration that says
/// what to change, and shows no secret.
async fn refuses(settings: &Settings, words: &[&str]) {
    let results = match Connection::new(settings.clone()) {
        Ok(connection) => profile::apply(&connection, &[update("ada", r#"{"a":1}"#)]).await,
        Err(error) => vec![Err(error)],
    };
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.class(), Class::Configuration, "{error}");
    let said = error.to_string();
    for word in words {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    assert!(!said.contains("SECRET"), "{said}");
}

/// Loses its Redis and finds it again, or the one that took its place.
async fn reconnects(connection: &Connection, mut lose: impl FnMut(), mut restore: impl FnMut()) {
    write(connection).await.unwrap();
    lose();
    let error = write(connection).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient, "{error}");
    restore();
    recover(connection).await;
}

/// Tries until it works again; whatever is said meanwhile is a matter of time.
async fn recover(connection: &Connection) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = write(connection).await {
        assert_eq!(error.class(), Class::Transient, "{error}");
        assert!(Instant::now() < deadline, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for user in USERS {
        assert_eq!(fields(connection, user).await["a"], "1");
        let layout = Layout::default();
        assert!(profile::delete(connection, &layout, user).await.unwrap());
    }
}

/// Writes to both users, who are on different nodes of a cluster.
async fn write(connection: &Connection) -> Result<(), Error> {
    let both = USERS.map(|user| update(user, r#"{"a":1}"#));
    let results = profile::apply(connection, &both).await;
    results.into_iter().collect()
}

/// The settings with another password, and what is said about that.
pub(crate) fn with_wrong_password(settings: &Settings) -> (Settings, Vec<&'static str>) {
    let mut wrong = settings.clone();
    wrong.password = Some(Secret::new("SECRET"));
    (wrong, vec!["WRONGPASS", "correct `password`"])
}

/// The settings without a password, and what is said about that.
pub(crate) fn without_password(settings: &Settings) -> (Settings, Vec<&'static str>) {
    let mut wrong = settings.clone();
    (wrong.username, wrong.password) = (None, None);
    (wrong, vec!["NOAUTH", "set `password`"])
}
