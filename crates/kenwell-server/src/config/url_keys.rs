//! What a destination's `url` says, key by key, and whether it agrees with the keys beside it.

use kenwell::connection::{Secret, Url};

use super::address;
use super::keys::{Key, destination as key};
use super::secret::FoundSecret;
use super::table_reader::TableReader;
use super::values::Value;

/// Puts what a URL says into the keys that it stands for. It is an error when a key says something else; no value
/// is shown, since one of them may be a secret.
pub(super) fn expand(table: &mut TableReader<'_>) {
    let url = table.values.take_url(key::URL);
    let connection_string = table.values.take_url(key::ADDRESS);
    if url.is_some() && connection_string.is_some() {
        let what = "it is a connection string, and there is a url beside it";
        table.error(key::ADDRESS, what, "keep one of them");
    }
    let (url, reference, by) = match (url, connection_string) {
        (Some((url, reference)), _) => (url, reference, key::URL),
        (None, Some((url, reference))) => (url, reference, key::ADDRESS),
        (None, None) => return,
    };
    for (key, what, said) in parts(*url, reference) {
        let Some(said) = said else { continue };
        match table.values.get(key) {
            Some(given) if table.is_given(key) && !is_empty(given) => {
                if !agree(given, &said) {
                    complain(table, key, what);
                }
            }
            _ => table.set_by(by, key, said),
        }
    }
}

/// The keys that a URL stands for, what each of them names if it has to agree with the URL, and what the URL says.
fn parts(
    url: Url,
    reference: Option<String>,
) -> [(&'static Key, Option<&'static str>, Option<Value>); 8] {
    let secret = |secret, reference| {
        let found = FoundSecret {
            secret,
            origin: None,
            reference,
        };
        Value::Secret(Box::new(found))
    };
    let username = url
        .username
        .map(|name| secret(Secret::new(name), reference));
    let password = url.password.map(|password| secret(password, None));
    let database = url.database.and_then(|number| u64::try_from(number).ok());
    // A URL of Sentinels cannot ask for TLS.
    let secure = url.sentinel_master.is_none().then_some(url.secure);
    [
        (
            key::ADDRESS,
            Some("servers"),
            Some(Value::List(address::split(&url.address))),
        ),
        (key::USERNAME, Some("users"), username),
        (key::PASSWORD, Some("passwords"), password),
        (
            key::DATABASE,
            Some("databases"),
            database.map(Value::Number),
        ),
        (
            key::SENTINEL_MASTER,
            Some("masters"),
            url.sentinel_master.map(Value::Text),
        ),
        (key::SECURE, Some("ways"), secure.map(Value::Flag)),
        (
            key::SKIP_VERIFY,
            None,
            url.skip_verify.then_some(Value::Flag(true)),
        ),
        (key::SERVER_NAME, None, url.server_name.map(Value::Text)),
    ]
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Secret(found) if found.text().is_empty())
}

/// A file that says the same as the URL now may say something else later, so only the text counts.
fn agree(given: &Value, said: &Value) -> bool {
    match (given, said) {
        (Value::Secret(given), Value::Secret(said)) => given.text() == said.text(),
        _ => given == said,
    }
}

fn complain(table: &TableReader<'_>, key: &Key, what: Option<&str>) {
    let name = key.name;
    match what {
        None => (), // the key counts
        Some(_) if name == key::SECURE.name && table.values.flag(key) => table.error(
            key,
            "secure = true asks for TLS, and url does not",
            "start url with rediss:// for TLS, or remove the line secure",
        ),
        Some(_) if name == key::SECURE.name => table.error(
            key,
            "secure = false asks for plain text, and url (rediss://) for TLS",
            "start url with redis:// for plain text, or remove the line secure",
        ),
        Some(what) => table.error(
            key,
            format!("{name} and url name different {what}"),
            format!("remove the line {name}, or make url say the same"),
        ),
    }
}
