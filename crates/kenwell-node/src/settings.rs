//! How to reach Redis, from the JSON that `lib/settings.js` makes.

use std::time::Duration;

use kenwell::Error;
use kenwell::connection::{Secret, Settings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads settings. What they say about a server is checked when the connection is made of them.
pub(crate) fn read(json: &[u8]) -> Result<Settings, Error> {
    let mut settings = Settings::new("");
    let given: Option<Map<String, Value>> = serde_json::from_slice(json).ok();
    let read = given.and_then(|given| set_all(&mut settings, "", given));
    // What is wrong is not repeated: a value may be a password.
    read.map(|()| settings).ok_or_else(|| Error::Settings {
        setting: "connection",
        problem: "not of the form that lib/settings.js gives".to_owned(),
    })
}

/// Takes over every setting of an object; those of `tls` and `sentinel` are objects of their own. `None` when one is
/// not known, or of another type. What is `null` stays as it is.
fn set_all(settings: &mut Settings, place: &str, given: Map<String, Value>) -> Option<()> {
    let given = given.into_iter().filter(|(_, value)| !value.is_null());
    for (name, value) in given {
        match (place, name.as_str()) {
            ("", "sentinel") => set_all(settings, "sentinel", of(value)?)?,
            ("", "tls") => {
                settings.secure = true;
                set_all(settings, "tls", of(value)?)?;
            }
            ("", "address") => settings.address = of(value)?,
            ("", "username") => settings.username = Some(of(value)?),
            ("", "password") => settings.password = Some(secret(value)?),
            ("", "database") => settings.database = of(value)?,
            ("", "cluster") => settings.cluster_mode = of(value)?,
            ("", "addressMap") => settings.address_map = of(value)?,
            ("", "connectTimeoutMs") => settings.connect_timeout = milliseconds(value)?,
            ("", "commandTimeoutMs") => settings.command_timeout = milliseconds(value)?,
            ("sentinel", "master") => settings.sentinel_master = Some(of(value)?),
            ("sentinel", "username") => settings.sentinel_username = Some(of(value)?),
            ("sentinel", "password") => settings.sentinel_password = Some(secret(value)?),
            ("tls", "ca") => settings.ca_certificate = Some(of(value)?),
            ("tls", "cert") => settings.client_certificate = Some(of(value)?),
            ("tls", "key") => settings.client_key = Some(secret(value)?),
            ("tls", "serverName") => settings.server_name = Some(of(value)?),
            ("tls", "skipVerify") => settings.skip_verify = of(value)?,
            _ => return None,
        }
    }
    Some(())
}

fn of<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn secret(value: Value) -> Option<Secret> {
    of::<String>(value).map(Secret::new)
}

fn milliseconds(value: Value) -> Option<Duration> {
    of(value).map(Duration::from_millis)
}
