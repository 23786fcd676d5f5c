//! One identify as a server-side SDK makes it, 400 to 500 bytes with 8 traits, or as a browser does, 1.2 KB with the same.

use crate::options::Shape;

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
    pub(crate) fn new(shape: Shape, fields: u64) -> Self {
        let named = FLAT.iter().map(|&(name, value)| (name.to_owned(), value));
        let further = (1..).map(|number| (format!("trait{number}"), FURTHER));
        let count = usize::try_from(fields)
            .unwrap_or(usize::MAX)
            .saturating_sub(NESTED.len());
        let flat: Vec<_> = named.chain(further).take(count).collect();
        let traits = traits(&flat);
        let text = match shape {
            Shape::Server => server(&traits),
            Shape::Browser => browser(&traits),
        };
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

/// The traits as a JSON object.
fn traits(flat: &[(String, &'static str)]) -> String {
    let member = |name: &str, value: &str| format!(r#""{name}":{value}"#);
    let nested: Vec<_> = NESTED
        .iter()
        .map(|(name, value)| member(name, value))
        .collect();
    let address = member("address", &format!("{{{}}}", nested.join(",")));
    let flat = flat.iter().map(|(name, value)| member(name, value));
    let traits: Vec<_> = flat.chain(std::iter::once(address)).collect();
    format!("{{{}}}", traits.join(","))
}

fn server(traits: &str) -> String {
    format!(
        r#"{{"userId":"{USER}","type":"identify","channel":"server","context":{{"traits":{traits},"library":{{"name":"analytics-node","version":"3.0.13"}}}},"originalTimestamp":"2026-11-22T05:00:17.881Z","messageId":"a4e6c067-5575-4016-ab10-{NUMBER}","sentAt":"2026-11-22T05:00:17.882Z"}}"#
    )
}

/// Members in the order in which RudderStack's JavaScript SDK 3.34 writes them.
fn browser(traits: &str) -> String {
    let app = r#""app":{"name":"Shop","namespace":"com.example.shop","version":"3.34.1","installType":"npm"}"#;
    let library = r#""library":{"name":"RudderLabs JavaScript SDK","version":"3.34.1"}"#;
    let agent = r#""userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36""#;
    let screen = r#""os":{"name":"","version":""},"locale":"de-AT","screen":{"width":1280,"height":720,"density":1,"innerWidth":1280,"innerHeight":720}"#;
    let campaign = r#""campaign":{"source":"mail","name":"spring"}"#;
    let page = r#""page":{"path":"/offers","referrer":"$direct","referring_domain":"","search":"?utm_source=mail","title":"Offers","url":"https://shop.example/offers?utm_source=mail","tab_url":"https://shop.example/offers?utm_source=mail","initial_referrer":"$direct"}"#;
    format!(
        r#"{{"userId":"{USER}","type":"identify","context":{{"traits":{traits},"sessionId":1795324642470,{app},{library},{agent},{screen},{campaign},{page},"timezone":"GMT+0100"}},"channel":"web","originalTimestamp":"2026-11-22T05:17:24.977Z","messageId":"a4227062-809e-43f6-a73b-{NUMBER}","anonymousId":"48a2450f-f788-41ea-917d-6c318e51e334","integrations":{{"All":true}},"sentAt":"2026-11-22T05:17:24.980Z"}}"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn events_have_the_usual_size_and_are_json() {
        for (shape, bytes) in [(Shape::Server, 400..=500), (Shape::Browser, 1_150..=1_270)] {
            let event = Event::new(shape, 8);
            let length = event.text().len();
            assert!(bytes.contains(&length), "{length} bytes");
            let value: serde_json::Value = serde_json::from_str(event.text()).unwrap();
            assert_eq!(value["context"]["traits"]["address"]["country"], "AT");
        }
    }

    #[test]
    fn it_has_as_many_fields_as_asked_for() {
        for fields in [3, 8, 20] {
            let names: HashSet<_> = Event::new(Shape::Server, fields)
                .fields()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            assert_eq!(names.len() as u64, fields);
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
