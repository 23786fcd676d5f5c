//! Where keys of one destination can be keys of another: senders choose user ids, so a prefix alone is no wall.

use super::{Layout, clocks};

/// What a key begins with, before what a sender chooses.
struct KeyStart {
    text: String,
    kind: Kind,
    /// Which of the layouts has it.
    of: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// `[prefix:]user:`, and then the user's id.
    Profile,
    /// `<workspace>:<destination>:`, and then what the event says: "Profiles" events.
    Entity,
    /// `[prefix:]kenwell:applied:`, and then nothing that a sender chooses.
    Marker,
    /// `kenwell:clocks:`, and then the key of a profile.
    Clocks,
}

/// Layouts of one Redis and database of which one can write keys of the other: pairs of their places in
/// the slice, one at most for each that comes later in it.
///
/// Two keys with ids of the senders' choice can be the same exactly when what stands before the id of one
/// begins what stands before the id of the other. `user:` begins `user:vip:user:`, so the prefix `user:vip` is
/// no wall beside no prefix, and `vip` is one. A template can be any text that
/// [`Ignored::PrefixNotAllowed`](super::Ignored::PrefixNotAllowed) does not refuse. Equal prefixes, and equal
/// templates, are no overlap: they want the same keys.
pub fn overlaps(layouts: &[Layout]) -> Vec<(usize, usize)> {
    let mut starts: Vec<KeyStart> = layouts.iter().enumerate().flat_map(starts).collect();
    starts.sort_by(|a, b| (&a.text, a.kind, a.of).cmp(&(&b.text, b.kind, b.of)));
    let mut partners = vec![None; layouts.len()];
    let mut note = |one: usize, other: usize| {
        let (first, second) = (one.min(other), one.max(other));
        if let Some(partner) = partners.get_mut(second) {
            *partner = partner.or(Some(first));
        }
    };
    beginnings(&starts, &mut note);
    templates(layouts, &starts, &mut note);
    let pairs = partners.into_iter().enumerate();
    pairs
        .filter_map(|(second, first)| Some((first?, second)))
        .collect()
}

fn starts((of, layout): (usize, &Layout)) -> impl Iterator<Item = KeyStart> {
    let entity = format!("{}:{}:", layout.workspace_id, layout.destination_id);
    let has_clocks = layout.rules.is_by_time();
    let clocks = has_clocks.then(|| (Kind::Clocks, clocks::START.to_owned()));
    let others = [
        (Kind::Profile, layout.profile_key_start()),
        (Kind::Entity, entity),
        (Kind::Marker, layout.marker_key_start()),
    ];
    let all = others.into_iter().chain(clocks);
    all.map(move |(kind, text)| KeyStart { text, kind, of })
}

/// Notes key starts of two layouts of which one begins the other. In their order, what begins one stands before it,
/// and so does everything between them begin with it.
fn beginnings(starts: &[KeyStart], note: &mut impl FnMut(usize, usize)) {
    let mut open: Vec<&KeyStart> = Vec::new();
    for start in starts {
        while open
            .pop_if(|begin| !start.text.starts_with(&begin.text))
            .is_some()
        {}
        // Clocks are of one key exactly when their profiles are.
        let is_same = |begin: &KeyStart| {
            matches!(start.kind, Kind::Profile | Kind::Clocks)
                && begin.kind == start.kind
                && begin.text == start.text
        };
        let mut others = open.iter().rev().filter(|begin| begin.of != start.of);
        if let Some(begin) = others.find(|begin| !is_same(begin)) {
            note(begin.of, start.of);
        }
        // Two of the same are enough: one of them belongs to another layout than whatever follows.
        let known = open.iter().rev().take(2).filter(|begin| is_same(begin));
        if start.kind != Kind::Marker && known.count() < 2 {
            open.push(start);
        }
    }
}

/// What templates reach: their values are any text without a colon.
fn templates(layouts: &[Layout], starts: &[KeyStart], note: &mut impl FnMut(usize, usize)) {
    let mut varying = layouts.iter().enumerate();
    let mut varying = varying
        .by_ref()
        .filter(|(_, layout)| layout.prefix.varies());
    let Some((first, template)) = varying.next() else {
        return;
    };
    let mut second = None;
    for (other, layout) in varying {
        second.get_or_insert(other);
        if layout.prefix != template.prefix {
            note(first, other);
        }
    }
    for start in starts.iter().filter(|start| is_reached(&start.text)) {
        let is_of_first = start.of == first;
        let template = if is_of_first { second } else { Some(first) };
        let is_same = |template: usize| {
            let prefix = |of: usize| layouts.get(of).map(|layout| &layout.prefix);
            start.kind == Kind::Profile && prefix(template) == prefix(start.of)
        };
        if let Some(template) = template.filter(|template| !is_same(*template)) {
            note(template, start.of);
        }
    }
}

/// Whether a value of a template can stand before `:user:` so that one begins the other.
fn is_reached(start: &str) -> bool {
    let Some((value, rest)) = start.split_once(':') else {
        return false;
    };
    let user = "user:";
    super::prefix::may_be_taken(value) && (rest.starts_with(user) || user.starts_with(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Order, Prefix, update};

    fn layouts(prefixes: &[&str]) -> Vec<Layout> {
        let layouts = prefixes.iter().enumerate().map(|(number, prefix)| Layout {
            prefix: Prefix::parse(prefix),
            workspace_id: "default".to_owned(),
            destination_id: format!("d{number}"),
            ..Layout::default()
        });
        layouts.collect()
    }

    fn overlap(one: &str, other: &str) -> bool {
        let forth = !overlaps(&layouts(&[one, other])).is_empty();
        let back = !overlaps(&layouts(&[other, one])).is_empty();
        assert_eq!(forth, back, "{one:?} {other:?}");
        forth
    }

    const TENANT: &str = "{{ message.traits.t || none }}";

    #[test]
    fn prefixes_that_are_no_wall() {
        for (one, other) in [
            ("", "user"),
            ("", "user:"),
            ("", "user:vip"),
            ("", "user:user"),
            ("", "user:{{ x }}"),
            ("app", "app:user"),
            ("app", "app:user:vip"),
            ("a:b", "a:b:user:c"),
            (TENANT, "vip"),
            (TENANT, "none"),
            (TENANT, "vip:user"),
            (TENANT, "vip:user:x"),
            (TENANT, "none:user"),
            (TENANT, "{{ message.traits.other || none }}"),
            (TENANT, "{{ message.traits.t || another }}"),
            ("{{ message.x || user }}", ""),
        ] {
            assert!(overlap(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn prefixes_that_are_walls() {
        for (one, other) in [
            ("", "app"),
            ("", "users"),
            ("", "a:user"),
            ("", "xuser"),
            ("app", "app2"),
            ("app", "ap"),
            ("app", "app:users"),
            ("app", "user:app"),
            ("a:b", "a"),
            ("a:b", "a:c"),
            ("vip", "x:vip"),
            (" app ", "app"),
            ("", "default:d7"),
            (TENANT, ""),
            (TENANT, "a:b"),
            (TENANT, "a:users"),
            (TENANT, TENANT),
            (TENANT, "a\tb"),
            ("{{ other.x || d }}", "e"),
            ("{{ other.x || d }}", "d"),
        ] {
            assert!(!overlap(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn keys_of_profiles_events_count_too() {
        let of = |workspace: &str, layouts: Vec<Layout>| {
            let workspace_id = workspace.to_owned();
            let layouts = layouts.into_iter().map(|layout| Layout {
                workspace_id: workspace_id.clone(),
                ..layout
            });
            overlaps(&layouts.collect::<Vec<_>>())
        };
        assert_eq!(of("user", layouts(&["", "app"])), [(0, 1)]);
        assert_eq!(of("app", layouts(&["app", "b"])), []);
        assert_eq!(of("default", layouts(&["", "default:d0"])), [(0, 1)]);
        assert_eq!(of("default", layouts(&["", "default:d0:a"])), [(0, 1)]);
        let mut named = layouts(&["app", "b"]);
        named[1].destination_id = "user".to_owned();
        assert_eq!(of("app", named), [(0, 1)]);
        let mut named = layouts(&["", "b"]);
        named[1].destination_id = "applied".to_owned();
        assert_eq!(of("kenwell", named), [(0, 1)]);
    }

    #[test]
    fn no_sender_writes_the_clocks_of_another_destination() {
        let by_time = |prefixes: &[&str]| -> Vec<Layout> {
            let order = Order::ByEventTime {
                clock_tolerance: std::time::Duration::ZERO,
            };
            let mut all = layouts(prefixes);
            for layout in &mut all {
                layout.rules.order = order;
            }
            all
        };
        assert_eq!(overlaps(&by_time(&["", "app", "b"])), []);
        let other = "kenwell:clocks:{user";
        assert_eq!(overlaps(&by_time(&["", "app", other])).len(), 1);
        assert_eq!(overlaps(&layouts(&["", "app", other])), []);
    }

    #[test]
    fn each_is_told_once_and_thousands_take_a_moment() {
        let chain: Vec<String> = (0..3_000).map(|depth| "user:".repeat(depth % 40)).collect();
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        assert!(overlaps(&layouts(&chain)).len() > 2_000);
        assert_eq!(overlaps(&layouts(&vec!["app"; 3_000])), []);
        assert_eq!(overlaps(&layouts(&["app", "app", "app:user"])), [(1, 2)]);
        assert_eq!(overlaps(&layouts(&vec![TENANT; 3_000])), []);
    }

    /// Every pair against the keys that a sender can really make of them.
    #[test]
    fn whatever_overlaps_has_a_key_in_common() {
        let parts = [
            "",
            "a",
            "user",
            "a:user",
            "user:a",
            "user:user",
            "a:b",
            "b:user:a",
            TENANT,
        ];
        let values = ["a", "b", "user", "a:user", "none", " a "];
        let ids = [
            "x",
            "user:x",
            "a:user:x",
            "user:user:x",
            "user:a:user:x",
            "b:user:x",
            "a:x",
        ];
        let keys = |prefix: &str| -> Vec<Vec<u8>> {
            let layout = &layouts(&[prefix])[0];
            let events = values.iter().flat_map(|value| {
                ids.iter().map(move |id| {
                    format!(r#"{{"userId":"{id}","traits":{{"t":"{value}","c":1}}}}"#)
                })
            });
            let updates = events.filter_map(|event| update(event.as_bytes(), layout).ok());
            updates.map(|update| update.key().to_vec()).collect()
        };
        for one in parts {
            for other in parts.iter().filter(|other| **other != one) {
                let theirs = keys(other);
                let meet = keys(one).iter().any(|key| theirs.contains(key));
                assert_eq!(overlap(one, other), meet, "{one:?} {other:?}");
            }
        }
    }
}
