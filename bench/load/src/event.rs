//! One identify as a server-side SDK makes it: 400 to 500 bytes with 8 traits.

/// Stands for the user's twelve digits. `redis-benchmark` replaces just this word by twelve random
/// digits, so the same text makes our events and its commands.
pub(crate) const USER: &str = "__rand_int__";
/// Stands for the event's twelve digits, in its message id.
pub(crate) const NUMBER: &str = "__event_num_";

/// Traits that are in every event: an object of its own.
const NESTED: [(&str, &str); 2] = [
    ("city", r#""Klagenfurt am Wörthersee""#),
    ("country", r#""AT""#),
];
/// The other traits, in the order in which `--fields` takes them.
const FLAT: [(&str, &str); 6] = [
    ("email", r#""__rand_int__@example.com""#),
    ("plan", r#""professional""#),
    ("logins", "42"),
    ("newsletter", "true"),
    ("name", r#""Ada Lovelace""#),
    ("lastSeenAt", r#""2026-11-22T05:00:17.881Z""#),
];
/// Value of the traits beyond those.
const FURTHER: &str = r#""a value of usual length""#;

/// An event's traits, and the event as text with [`USER`] and [`NUMBER`] in it.
#[derive(Debug)]
pub(crate) struct Event {
    flat: Vec<(String, &'static str)>,
    text: String,
}

impl Event {
    /// An event that becomes a hash of `fields` fields; at least 3, two of which are the nested ones.
    pub(crate) fn new(fields: u64) -> Self {
        let named = FLAT.iter().map(|&(name, value)| (name.to_owned(), value));
        let further = (1..).map(|number| (format!("trait{number}"), FURTHER));
        let count = usize::try_from(fields)
            .unwrap_or(usize::MAX)
            .saturating_sub(NESTED.len());
        let flat: Vec<_> = named.chain(further).take(count).collect();
        let text = text(&flat);
        Self { flat, text }
    }

    /// The event with its places not yet filled.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Field names and values of the hash, the user not yet filled in.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let nested = NESTED
            .iter()
            .map(|&(name, value)| (format!("address.{name}"), value));
        let all = self.flat.iter().cloned().chain(nested);
        all.map(|(name, value)| (name, value.trim_matches('"').to_owned()))
            .collect()
    }

    /// What follows `HSET`: key, field, value, field, value, …
    pub(crate) fn hset(&self) -> Vec<String> {
        let pairs = self
            .fields()
            .into_iter()
            .flat_map(|(name, value)| [name, value]);
        std::iter::once(key(USER)).chain(pairs).collect()
    }
}

/// The key of a user, given the id's text.
pub(crate) fn key(user: &str) -> String {
    format!("user:{user}")
}

/// Twelve digits.
pub(crate) fn digits(number: u64) -> String {
    format!("{number:012}")
}

/// Whose event this is. Neighbouring events belong to distant users, as in real traffic, and `users`
/// events in a row belong to `users` distinct ones.
pub(crate) fn user_of(event: u64, users: u64) -> u64 {
    /// A prime, larger than any sensible number of users: it shares no factor with it.
    const STRIDE: u64 = 2_654_435_761;
    let product = u128::from(event % users) * u128::from(STRIDE) % u128::from(users);
    u64::try_from(product).unwrap_or(0) // below `users`, so it always fits
}

fn text(flat: &[(String, &'static str)]) -> String {
    let member = |name: &str, value: &str| format!(r#""{name}":{value}"#);
    let nested: Vec<_> = NESTED
        .iter()
        .map(|(name, value)| member(name, value))
        .collect();
    let address = member("address", &format!("{{{}}}", nested.join(",")));
    let flat = flat.iter().map(|(name, value)| member(name, value));
    let traits: Vec<_> = flat.chain(std::iter::once(address)).collect();
    let traits = traits.join(",");
    format!(
        r#"{{"userId":"{USER}","type":"identify","channel":"server","context":{{"traits":{{{traits}}},"library":{{"name":"analytics-node","version":"3.0.13"}}}},"originalTimestamp":"2026-11-22T05:00:17.881Z","messageId":"a4e6c067-5575-4016-ab10-{NUMBER}","sentAt":"2026-11-22T05:00:17.882Z"}}"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_usual_event_has_400_to_500_bytes_and_is_json() {
        let event = Event::new(8);
        assert!(
            (400..=500).contains(&event.text().len()),
            "{} bytes",
            event.text().len()
        );
        let value: serde_json::Value = serde_json::from_str(event.text()).unwrap();
        assert_eq!(value["context"]["traits"]["address"]["country"], "AT");
    }

    #[test]
    fn it_has_as_many_fields_as_asked_for() {
        for fields in [3, 8, 20] {
            let names: HashSet<_> = Event::new(fields)
                .fields()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert_eq!(names.len() as u64, fields);
        }
    }

    #[test]
    fn every_user_has_its_turn() {
        for users in [1, 7, 1000, 1024] {
            let seen: HashSet<_> = (0..users).map(|event| user_of(event, users)).collect();
            assert_eq!(seen.len() as u64, users);
        }
    }

    #[test]
    fn places_are_as_wide_as_what_fills_them() {
        assert_eq!(
            (USER.len(), NUMBER.len()),
            (digits(0).len(), digits(999_999_999_999).len())
        );
    }
}
