//! Destinations on the same Redis, whose prefixes must keep an event for one from writing a key of another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kenwell::connection::Settings;
use kenwell::profile::{Layout, overlaps};

use super::destination::ReadDestination;
use super::keys::destination::{JSON, PREFIX};

/// Complains about prefixes that do not keep keys apart. Whether two addresses are the same Redis shows only in their
/// text, where `localhost` and its addresses count as one.
pub(super) fn check(destinations: &[ReadDestination<'_>], workspace_id: &str) {
    for neighbours in neighbours(destinations) {
        let layout = |read: &&ReadDestination<'_>| read.destination.layout(workspace_id);
        let layouts: Vec<Layout> = neighbours.iter().map(layout).collect();
        check_types(&neighbours, &layouts);
        for (first, second) in overlaps(&layouts) {
            if let (Some(first), Some(second)) = (neighbours.get(first), neighbours.get(second)) {
                complain(&first.destination.id, second);
            }
        }
    }
}

/// The same keys cannot hold hashes and documents.
fn check_types(neighbours: &[&ReadDestination<'_>], layouts: &[Layout]) {
    let mut first: HashMap<&str, (&Layout, &str)> = HashMap::new();
    for (read, layout) in neighbours.iter().zip(layouts) {
        let prefix = read.destination.prefix.trim();
        let id = &read.destination.id;
        let (other, other_id) = *first.entry(prefix).or_insert((layout, id));
        if other.data_type != layout.data_type {
            let what = format!(
                "\"{other_id}\" and \"{id}\" write the same keys, one of them as hashes and the other as JSON documents"
            );
            let cure = "give each a prefix of its own, or the same json to both";
            read.table.error(JSON, what, cure);
        }
    }
}

fn complain(first: &str, second: &ReadDestination<'_>) {
    let what = format!(
        "\"{first}\" and \"{}\" write to the same Redis and database, and with these prefixes a user id \
         can be chosen so that an event for one writes a key of the other",
        second.destination.id
    );
    second.table.error(
        PREFIX,
        what,
        "give each a prefix of its own, without \":user\" in it (\"a\" beside \"b\", or beside none), the same prefix \
         to both if they are to write the same keys, or one of them another database; a template can be any text \
         without a colon",
    );
}

/// Destinations that share a Redis and database, in the order of the file; only where there are several.
fn neighbours<'a>(destinations: &'a [ReadDestination<'a>]) -> Vec<Vec<&'a ReadDestination<'a>>> {
    // The first destination at each place, and for each destination the earliest that it shares a place with.
    let mut first_at: HashMap<String, usize> = HashMap::new();
    let mut earlier: Vec<usize> = (0..destinations.len()).collect();
    for (index, read) in destinations.iter().enumerate() {
        for place in places(&read.destination.connection) {
            let first = *first_at.entry(place).or_insert(index);
            let (one, other) = (root(&earlier, first), root(&earlier, index));
            if let Some(link) = earlier.get_mut(one.max(other)) {
                *link = one.min(other);
            }
        }
    }
    let mut groups: HashMap<usize, Vec<&ReadDestination<'_>>> = HashMap::new();
    for (index, read) in destinations.iter().enumerate() {
        groups.entry(root(&earlier, index)).or_default().push(read);
    }
    let several = groups.into_values().filter(|group| group.len() > 1);
    several.collect()
}

/// The earliest destination that this one is linked to.
fn root(earlier: &[usize], mut index: usize) -> usize {
    while let Some(next) = earlier.get(index).filter(|next| **next != index) {
        index = *next;
    }
    index
}

/// Where its keys are: a database at each address, or at the master that Sentinels at each address know.
fn places(settings: &Settings) -> Vec<String> {
    let database = settings.database;
    let master = settings.sentinel_master.as_deref().unwrap_or_default();
    let addresses: Vec<&str> = if settings.address.starts_with("unix:") {
        vec![&settings.address]
    } else {
        settings.address.split(',').collect()
    };
    let addresses = addresses.into_iter().map(same_name);
    addresses
        .map(|address| format!("{address} {database} {master}"))
        .collect()
}

/// One name for each address, as far as its text tells.
fn same_name(address: &str) -> String {
    let address = address.trim();
    if address.starts_with("unix:") {
        return address.to_owned();
    }
    let address = address.to_lowercase();
    let Some((host, port)) = address.rsplit_once(':') else {
        return address;
    };
    let port = port
        .parse::<u16>()
        .map_or_else(|_| port.to_owned(), |port| port.to_string());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<IpAddr>().map(|ip| ip.to_canonical());
    let host = match ip {
        Ok(ip) if ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST => "localhost".to_owned(),
        Ok(ip) => ip.to_string(),
        Err(_) => host.trim_end_matches('.').to_owned(),
    };
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_address_by_other_names() {
        for (one, other) in [
            ("localhost:6379", "127.0.0.1:6379"),
            ("localhost:6379", "[::1]:6379"),
            ("localhost:6379", "127.0.0.1:06379"),
            ("Redis.Internal:6379", "redis.internal.:6379"),
            ("[::ffff:10.0.0.1]:6379", "10.0.0.1:6379"),
            ("[2001:db8::1]:6379", "[2001:DB8:0::1]:6379"),
        ] {
            assert_eq!(same_name(one), same_name(other), "{one} {other}");
        }
        assert_ne!(same_name("a:6379"), same_name("a:6380"));
        assert_ne!(same_name("a:6379"), same_name("b:6379"));
        assert_ne!(same_name("127.0.0.1:6379"), same_name("127.0.0.2:6379"));
        assert_ne!(same_name("unix:/A"), same_name("unix:/a"));
    }
}
