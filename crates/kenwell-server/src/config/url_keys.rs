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
    for UrlPart { key, names, value } in url_parts(*url, reference) {
        let Some(said) = value else { continue };
        match table.values.get(key) {
            Some(given) if table.is_given(key) && !is_empty(given) => {
                if !agree(given, &said) {
                    complain(table, key, names);
                }
            }
            _ => table.set_by(by, key, said),
        }
    }
}

/// What a URL says of one key.
pub(crate) struct UrlPart {
    pub(crate) key: &'static Key,
    /// What the two name when they differ, which is an error; `None` for a key that counts in place of the URL.
    pub(crate) names: Option<&'static str>,
    value: Option<Value>,
}

impl UrlPart {
    /// As the file would have it under the key; `None` for what the URL does not say, and for a flag that is off.
    pub(crate) fn in_file(self) -> Option<toml_edit::Value> {
        Some(match self.value? {
            Value::Text(text) => text.into(),
            Value::Secret(found) => found.text().into(),
            Value::List(addresses) => addresses.join(",").into(),
            Value::Number(number) => i64::try_from(number).ok()?.into(),
            Value::Flag(true) => true.into(),
            _ => return None,
        })
    }
}

/// All that a URL can say, key by key. `reference` is what it was given by, if that is not its text.
pub(crate) fn url_parts(url: Url, reference: Option<String>) -> [UrlPart; 8] {
    let part = |key, names, value| UrlPart { key, names, value };
    let secret = |secret, reference| {
        let found = FoundSecret {
            secret,
            origin: None,
            reference,
        };
        Value::Secret(Box::new(found))
    };
    let address = Value::List(address::split(&url.address));
    let username = url
        .username
        .map(|name| secret(Secret::new(name), reference));
    let password = url.password.map(|password| secret(password, None));
    let database = url.database.and_then(|number| u64::try_from(number).ok());
    let database = database.map(Value::Number);
    // A URL of Sentinels cannot ask for TLS, but a connection string of theirs can.
    let is_said = url.secure || url.sentinel_master.is_none();
    let secure = is_said.then_some(url.secure);
    let secure = secure.map(Value::Flag);
    let master = url.sentinel_master.map(Value::Text);
    let skip_verify = url.skip_verify.then_some(Value::Flag(true));
    let server_name = url.server_name.map(Value::Text);
    [
        part(key::ADDRESS, Some("servers"), Some(address)),
        part(key::USERNAME, Some("users"), username),
        part(key::PASSWORD, Some("passwords"), password),
        part(key::DATABASE, Some("databases"), database),
        part(key::SENTINEL_MASTER, Some("masters"), master),
        part(key::SECURE, Some("ways"), secure),
        part(key::SKIP_VERIFY, None, skip_verify),
        part(key::SERVER_NAME, None, server_name),
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
