//! The configuration that `kenwell dev` makes at its first start and keeps from then on.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use kenwell::connection::Secret;
use kenwell_journal::files;
use toml_edit::{DocumentMut, Item, Table, Value};

use super::ports;
use crate::{
    config::{Config, Destination, Environment},
    private,
    runtime::write_key,
};

/// The destination that is the Redis which `kenwell dev` starts.
const DESTINATION: &str = "profiles";

/// What the file begins with. In one that does not say this no address is changed.
const MADE_BY: &str = "# Made by `kenwell dev`";

/// Which Redis the profiles are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RedisChoice {
    /// One of our own, at this port of 127.0.0.1.
    Own(u16),
    /// One that runs already, as the file says.
    Running,
}

/// Makes the file if there is none, and says which Redis to use: the one that `running` names, which is then written to
/// the file, or the one in the file; without either, and where the file has a port of 127.0.0.1, one of our own there, or
/// at a free one, which is then written to the file. So other commands find it there.
pub(super) fn prepare(path: &Path, running: Option<&Secret>) -> anyhow::Result<RedisChoice> {
    if !path.exists() {
        return make(path, running);
    }
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let Ok(mut document) = text.parse::<DocumentMut>() else {
        return Err(not_toml(path, &text));
    };
    let destination = destination(&mut document);
    if let (Some(destination), Some(url)) = (destination, running) {
        destination.remove("address");
        destination.insert("url", Item::Value(Value::from(url.expose())));
        write(path, &document.to_string())?;
        return Ok(RedisChoice::Running);
    }
    let destination = self::destination(&mut document);
    if destination.is_some_and(|it| it.contains_key("url")) {
        return Ok(RedisChoice::Running);
    }
    let Some(address) = address(&mut document) else {
        bail!(
            "{} has no [[destinations]] with id = \"{DESTINATION}\" and an address, which kenwell dev gives its Redis: \
             add it, or remove the file to get a new one",
            path.display()
        );
    };
    // What somebody has written there instead of ours is theirs.
    let Some(port) = address.as_str().and_then(own_port) else {
        return Ok(RedisChoice::Running);
    };
    if ports::is_free(port) {
        return Ok(RedisChoice::Own(port));
    }
    if !text.contains(MADE_BY) {
        // A file for something else: what is at that port is probably its Redis.
        return Ok(RedisChoice::Running);
    }
    let port = ports::free()?;
    let decor = address.decor().clone();
    *address = Value::from(format!("{}:{port}", Ipv4Addr::LOCALHOST));
    *address.decor_mut() = decor;
    write(path, &document.to_string())?;
    Ok(RedisChoice::Own(port))
}

/// Where the file is broken off. The words of its reader would show the line, and with it a secret.
fn not_toml(path: &Path, text: &str) -> anyhow::Error {
    match Config::parse(path, text, &Environment::default()) {
        Err(problems) => problems.into(),
        Ok(_) => anyhow!("{} is not valid TOML", path.display()),
    }
}

/// Makes the file.
fn make(path: &Path, running: Option<&Secret>) -> anyhow::Result<RedisChoice> {
    let write_key = write_key().context("no random bytes for a write key")?;
    let admin_key = private::new_admin_key().context("no random numbers for an admin key")?;
    let (choice, line) = if let Some(url) = running {
        (RedisChoice::Running, url_line(url))
    } else {
        let port = ports::free()?;
        (RedisChoice::Own(port), port_line(port))
    };
    write(path, &template(&write_key, &admin_key, &line))?;
    Ok(choice)
}

/// The destination whose Redis `kenwell dev` sees to.
pub(super) fn destination_of(config: &Config) -> Option<&Destination> {
    config.destination(DESTINATION)
}

fn own_port(address: &str) -> Option<u16> {
    address.strip_prefix("127.0.0.1:")?.parse().ok()
}

fn destination(document: &mut DocumentMut) -> Option<&mut Table> {
    document
        .get_mut("destinations")?
        .as_array_of_tables_mut()?
        .iter_mut()
        .find(|table| table.get("id").and_then(Item::as_str) == Some(DESTINATION))
}

fn address(document: &mut DocumentMut) -> Option<&mut Value> {
    destination(document)?.get_mut("address")?.as_value_mut()
}

fn port_line(port: u16) -> String {
    format!(
        "address = \"127.0.0.1:{port}\" # the Redis that `kenwell dev` starts; it changes a port that is taken, and starts none for another host\n"
    )
}

fn url_line(url: &Secret) -> String {
    format!("url = {}\n", Value::from(url.expose()))
}

fn template(write_key: &str, admin_key: &Secret, redis: &str) -> String {
    format!(
        "{MADE_BY}, and yours from now on: it keeps your changes.\n\
         data_dir = \".\"\n\
         \n\
         [gateway]\n\
         listen = \"127.0.0.1:8080\"\n\
         \n\
         [private]\n\
         listen = \"127.0.0.1:8081\"\n\
         admin_key = \"{}\" # opens the console; here so that it can be shown at each start\n\
         \n\
         [[sources]]\n\
         id = \"dev\"\n\
         name = \"Development\"\n\
         write_key = \"{write_key}\"\n\
         destinations = [\"{DESTINATION}\"]\n\
         \n\
         [[destinations]]\n\
         id = \"{DESTINATION}\"\n\
         name = \"Profiles\"\n\
         type = \"redis\"\n\
         {redis}",
        admin_key.expose()
    )
}

/// Replaces the file at once, so that a crash leaves the old or the new one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    files::replace(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The port of a Redis of our own.
    fn own(path: &Path) -> u16 {
        match prepare(path, None).unwrap() {
            RedisChoice::Own(port) => port,
            RedisChoice::Running => panic!("there is no url"),
        }
    }

    #[test]
    fn a_redis_that_runs_already_is_kept_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (new, old) = (directory.path().join("new"), directory.path().join("old"));
        own(&old);
        for path in [&new, &old] {
            let url = Secret::new("redis://:se\"cret@127.0.0.1:7000/2");
            assert_eq!(prepare(path, Some(&url)).unwrap(), RedisChoice::Running);
            assert_eq!(prepare(path, None).unwrap(), RedisChoice::Running);
            let text = fs::read_to_string(path).unwrap();
            assert!(!text.contains("address ="), "{text}");
            let other = Secret::new("redis://127.0.0.1:7001/2");
            assert_eq!(prepare(path, Some(&other)).unwrap(), RedisChoice::Running);
            let loaded = Config::load(path, &Environment::default()).unwrap();
            let connection = &loaded.config.destinations[0].connection;
            assert_eq!(
                (&*connection.address, connection.database),
                ("127.0.0.1:7001", 2)
            );
        }
    }

    #[test]
    fn the_first_start_makes_a_valid_configuration_that_the_next_ones_keep() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        let port = own(&path);
        let loaded = Config::load(&path, &Environment::default()).unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.config.data_dir, directory.path());
        assert_eq!(
            loaded.config.destinations[0].connection.address,
            format!("127.0.0.1:{port}")
        );
        assert_eq!(loaded.config.sources[0].write_key.expose().len(), 27);
        let first = fs::read_to_string(&path).unwrap();
        assert_eq!(own(&path), port);
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
    }

    #[test]
    fn a_taken_port_is_replaced_and_everything_else_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        let port = own(&path);
        let edited = fs::read_to_string(&path)
            .unwrap()
            .replace("\"Development\"", "\"Mine\" # ours");
        fs::write(&path, &edited).unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let other = own(&path);
        assert_ne!(other, port);
        let expected = edited.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{other}"));
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn an_address_that_somebody_has_changed_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        let port = own(&path);
        let made = fs::read_to_string(&path).unwrap();
        let ours = format!("\"127.0.0.1:{port}\"");
        for theirs in [
            "\"redis.example.com:6379\"",
            "\"localhost:6379\"",
            "\"unix:/run/redis.sock\"",
            "\"10.0.0.1:6379, 10.0.0.2:6379\"",
            "[\"10.0.0.1:6379\"]",
        ] {
            let edited = made.replace(&ours, theirs);
            fs::write(&path, &edited).unwrap();
            assert_eq!(prepare(&path, None).unwrap(), RedisChoice::Running);
            assert_eq!(fs::read_to_string(&path).unwrap(), edited, "{theirs}");
        }
        // A file that was made for something else, whose Redis is up.
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let other = made.replace(MADE_BY, "# For production");
        fs::write(&path, &other).unwrap();
        assert_eq!(prepare(&path, None).unwrap(), RedisChoice::Running);
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }

    #[test]
    fn a_file_that_is_cut_off_is_told_by_its_line_and_without_its_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        fs::write(&path, "[[destinations]]\nurl = \"redis://:hunter2@h:1").unwrap();
        let error = prepare(&path, None).unwrap_err();
        let told = format!("{error:#} {error:?}");
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("kenwell.toml:2:28"), "{told}");
        assert!(error.is::<crate::config::Problems>());
    }

    #[test]
    fn a_file_without_the_destination_is_explained() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        fs::write(
            &path,
            "[[destinations]]\nid = \"other\"\naddress = \"h:1\"\n",
        )
        .unwrap();
        let error = prepare(&path, None).unwrap_err().to_string();
        assert!(error.contains("id = \"profiles\""), "{error}");
    }
}
