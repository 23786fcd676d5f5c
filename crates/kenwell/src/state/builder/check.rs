//! What is wrong with a store's settings, found without asking Redis.

use crate::state::codec::Plaintext;
use crate::state::history_list::{HistoryList, MAX_HISTORY_LIST};
use crate::state::key::{Keys, Layout};
use crate::state::store::StoreConfig;
use crate::state::values::MAX_TTL_SECONDS;
use crate::state::{Entry, Error};

/// The most entries of a store.
pub const MAX_ENTRIES: usize = 64;

pub(super) fn all(config: &StoreConfig) -> Result<(), Error> {
    check_entries(config)?;
    check_keys(
        &config.keys,
        &config.entries,
        config.history_list.as_ref().map(|list| &list.entry),
    )?;
    check_encryption(config)
}

fn wrong(setting: &'static str, problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::Setting { setting, problem }
}

fn check_entries(config: &StoreConfig) -> Result<(), Error> {
    let entries = &config.entries;
    if entries.is_empty() || entries.len() > MAX_ENTRIES {
        let problem = format!("there must be 1 to {MAX_ENTRIES}, not {}", entries.len());
        return Err(wrong("entries", problem));
    }
    for (index, entry) in entries.iter().enumerate() {
        if entries
            .iter()
            .skip(index + 1)
            .any(|other| other.id == entry.id)
        {
            return Err(wrong("entries", format!("two have the id `{}`", entry.id)));
        }
        if entry.id.is_empty() {
            return Err(wrong("entries", "one has no id, which is part of the key"));
        }
        if entry.holds_nothing() {
            let problem = format!(
                "`{}` holds nothing: say what it does, as `.user()`",
                entry.id
            );
            return Err(wrong("entries", problem));
        }
        if entry
            .ttl_seconds
            .is_some_and(|seconds| seconds > MAX_TTL_SECONDS)
        {
            let problem = format!("`{}` lives longer than Redis can count", entry.id);
            return Err(wrong("entries", problem));
        }
    }
    if let Some(list) = &config.history_list {
        check_list(list, entries)?;
    }
    if config.codec.max_bytes == 0 {
        return Err(wrong(
            "max_entry_bytes",
            "it is 0, so nothing could be saved",
        ));
    }
    Ok(())
}

fn check_list(list: &HistoryList, entries: &[Entry]) -> Result<(), Error> {
    let HistoryList { entry, element } = list;
    if entry.id.is_empty() {
        return Err(wrong(
            "history_list",
            "it has no id, which is part of the key",
        ));
    }
    if entries.iter().any(|other| other.id == entry.id) {
        let problem = format!("an entry has the id `{}` too", entry.id);
        return Err(wrong("history_list", problem));
    }
    if element.size == 0 || element.size > MAX_HISTORY_LIST {
        let problem = format!("size must be 1 to {MAX_HISTORY_LIST}, not {}", element.size);
        return Err(wrong("history_list", problem));
    }
    if entry
        .ttl_seconds
        .is_some_and(|seconds| seconds > MAX_TTL_SECONDS)
    {
        let problem = "it lives longer than Redis can count";
        return Err(wrong("history_list", problem));
    }
    Ok(())
}

fn check_keys(keys: &Keys, entries: &[Entry], list: Option<&Entry>) -> Result<(), Error> {
    if keys.hook.is_some() && keys.layout == Layout::HashTag {
        let problem = "on_create_key names the keys, so it has to write the braces itself";
        return Err(wrong("cluster_hash_tag", problem));
    }
    let ids = entries.iter().chain(list).map(|entry| &*entry.id);
    let mut before = ids.chain([&*keys.prefix, &*keys.separator]);
    if keys.layout == Layout::HashTag && before.any(|part| part.contains(['{', '}'])) {
        let problem = "key_prefix, key_separator and the ids of entries must have no braces then";
        return Err(wrong("cluster_hash_tag", problem));
    }
    Ok(())
}

fn check_encryption(config: &StoreConfig) -> Result<(), Error> {
    let list = config.history_list.as_ref().map(|list| &list.entry);
    let sealed = config.entries.iter().chain(list).any(|entry| entry.sealed);
    let problem = match (&config.codec.keys, sealed) {
        (None, true) => "an entry is to be encrypted, but there is no key",
        (Some(_), false) => "there are keys, but no entry is encrypted",
        (None, false) if config.codec.plaintext == Plaintext::Accept => {
            "accept_plaintext is set, but there is no key"
        }
        _ => return Ok(()),
    };
    Err(wrong("encryption", problem))
}
