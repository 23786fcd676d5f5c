//! From an event's bytes to a patch of the user's JSON document: one value of the event as it is, not flattened.

use kenwell_json::{Kind, Reader, Skipped};

use super::event::{self, Integrations, Sources, UserId, skip};
use super::flattener::Flattener;
use super::prefix::ResolvedPrefix;
use super::{Ignored, Layout, ProfileUpdate, document_patch, js, layout};

/// What one pass over an event found.
#[derive(Debug, Default)]
struct DocumentEvent<'a> {
    user_id: UserId<'a>,
    integrations: Integrations,
    sources: Sources<'a>,
    traits: Option<Traits<'a>>,
    context_traits: Option<Traits<'a>>,
}

/// A value of the event, and a reader that stands before it.
#[derive(Debug)]
struct Traits<'a> {
    value: Skipped<'a>,
    reader: Reader<'a>,
}

impl Flattener {
    /// What an event writes into the user's document.
    pub(super) fn document(
        &mut self,
        event: &[u8],
        prefix: Result<ResolvedPrefix<'_>, Ignored>,
        layout: &Layout,
    ) -> Result<ProfileUpdate, Ignored> {
        let taken_at = prefix.as_ref().map_or(None, |prefix| prefix.taken_at);
        let found = DocumentEvent::read(event, taken_at)?;
        let (user_id, prefix) = event::addressee(found.integrations, &found.user_id, prefix)?;
        let mut key = Vec::with_capacity(64 + user_id.len());
        let patch = if let [Some(entity), Some(id_type), Some(model)] = found.sources
            && [entity, id_type, model].into_iter().all(js::is_truthy)
        {
            layout::push_profiles_key(layout, [entity, id_type], &mut key)?;
            key.extend_from_slice(found.user_id.in_profiles_key(&user_id));
            let value = self.model_value(&found, prefix.taken_at)?;
            document_patch::in_model(&self.model_path(model)?, &value)
        } else {
            layout::push_key(prefix.text.as_deref(), &user_id, &mut key);
            self.whole_document(&found, prefix.taken_at)?
        };
        let merging = document_patch::examine(&patch)?;
        let patch = || std::iter::once(patch.as_slice());
        Ok(ProfileUpdate::of_document(&key, merging, patch))
    }

    /// The patch of a whole document: an object or array, which may also stand in a string.
    fn whole_document(
        &mut self,
        found: &DocumentEvent<'_>,
        taken_at: Option<usize>,
    ) -> Result<Vec<u8>, Ignored> {
        let traits = found.chosen().ok_or(Ignored::NoTraits)?;
        match traits.value.kind {
            Kind::Object | Kind::Array => self.json(traits.reader.clone(), taken_at),
            Kind::String => {
                let text = Reader::new(traits.value.raw).string()?.decode();
                self.document_in_text(text.as_bytes())
            }
            _ => Err(Ignored::NotADocument),
        }
    }

    fn document_in_text(&mut self, text: &[u8]) -> Result<Vec<u8>, Ignored> {
        let mut reader = Reader::new(text);
        let start = reader.clone();
        let value = reader.skip().map_err(|_| Ignored::NotADocument)?;
        if !matches!(value.kind, Kind::Object | Kind::Array) || reader.end().is_err() {
            return Err(Ignored::NotADocument);
        }
        self.json(start, None)
    }

    /// The value of a model, of any kind; null where the event says that there is none.
    fn model_value(
        &mut self,
        found: &DocumentEvent<'_>,
        taken_at: Option<usize>,
    ) -> Result<Vec<u8>, Ignored> {
        match found.chosen() {
            Some(traits) => self.json(traits.reader.clone(), taken_at),
            None if found.traits.is_none() && found.context_traits.is_none() => {
                Err(Ignored::NoTraits)
            }
            None => Ok(b"null".to_vec()),
        }
    }

    /// The path that a model stands for: its text, or the JSON text of an object or array.
    fn model_path(&mut self, model: Skipped<'_>) -> Result<Vec<u8>, Ignored> {
        if matches!(model.kind, Kind::Object | Kind::Array) {
            return self.json(Reader::new(model.raw), None);
        }
        let mut path = Vec::new();
        js::push_string(model, &mut path)?;
        Ok(path)
    }

    /// The JSON text of the value that comes next.
    fn json(&mut self, mut reader: Reader<'_>, removed: Option<usize>) -> Result<Vec<u8>, Ignored> {
        self.fields.text.clear();
        self.fields.json(&mut reader, 1, removed)?;
        Ok(self.fields.text.clone())
    }
}

impl<'a> DocumentEvent<'a> {
    /// The one pass. The string at position `taken_at` went into the prefix and counts as absent.
    fn read(event: &'a [u8], taken_at: Option<usize>) -> Result<Self, Ignored> {
        let mut found = Self::default();
        let mut reader = Reader::new(event);
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            if key.eq_str("traits") {
                found.traits = Traits::read(&mut reader, 1, taken_at)?;
            } else if key.eq_str("context") {
                found.read_context(&mut reader, taken_at)?;
            } else if key.eq_str("userId") {
                found.user_id = UserId::read(&mut reader, taken_at)?;
            } else if key.eq_str("integrations") {
                found.integrations = Integrations::read(&mut reader)?;
            } else {
                skip(&mut reader, 1)?;
            }
        }
        reader.end()?;
        Ok(found)
    }

    fn read_context(
        &mut self,
        reader: &mut Reader<'a>,
        taken_at: Option<usize>,
    ) -> Result<(), Ignored> {
        self.context_traits = None;
        self.sources = Sources::default();
        if reader.kind()? != Kind::Object {
            skip(reader, 1)?;
            return Ok(());
        }
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            if key.eq_str("traits") {
                self.context_traits = Traits::read(reader, 2, taken_at)?;
            } else if key.eq_str("sources") {
                self.sources = event::read_sources(reader, taken_at)?;
            } else {
                skip(reader, 2)?;
            }
        }
        Ok(())
    }

    /// The first of `traits` and `context.traits` that says something. The two are not joined.
    fn chosen(&self) -> Option<&Traits<'a>> {
        let traits = [&self.traits, &self.context_traits];
        traits
            .into_iter()
            .flatten()
            .find(|traits| traits.says_something())
    }
}

impl<'a> Traits<'a> {
    /// Reads the value that stands inside `depth` containers; `None` when it counts as absent.
    fn read(
        reader: &mut Reader<'a>,
        depth: usize,
        taken_at: Option<usize>,
    ) -> Result<Option<Self>, Ignored> {
        reader.kind()?; // skips what stands before the value
        let at = reader.clone();
        let value = skip(reader, depth)?;
        let is_taken = taken_at == Some(at.position());
        Ok((!is_taken).then_some(Self { value, reader: at }))
    }

    /// Everything does but null and the empty text; `false` and 0 are values too.
    fn says_something(&self) -> bool {
        match self.value.kind {
            Kind::Null => false,
            Kind::String => self.value.raw != b"\"\"",
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{DataType, Ignored, Layout, Prefix, update};

    fn layout(prefix: &str) -> Layout {
        Layout {
            prefix: Prefix::parse(prefix),
            workspace_id: "w".to_owned(),
            destination_id: "d".to_owned(),
            data_type: DataType::Json,
            ..Layout::default()
        }
    }

    /// Key and patch, or the reason.
    fn patch(event: &str) -> Result<(String, String), Ignored> {
        let update = update(event.as_bytes(), &layout("p"))?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let patches: Vec<_> = update.patches().unwrap().map(text).collect();
        Ok((text(update.key()), patches.concat()))
    }

    fn whole(members: &str) -> Result<String, Ignored> {
        patch(&format!(r#"{{"userId":"u",{members}}}"#)).map(|(_, patch)| patch)
    }

    #[test]
    fn the_first_traits_that_say_something_are_the_patch() {
        for (members, expected) in [
            (
                r#""traits":{"a.b":{"c":[1.0,null]},"n":null}"#,
                Ok(r#"{"a.b":{"c":[1,null]},"n":null}"#),
            ),
            (
                r#""traits":{"a":1},"context":{"traits":{"b":1}}"#,
                Ok(r#"{"a":1}"#),
            ),
            (
                r#""traits":"","context":{"traits":{"b":1}}"#,
                Ok(r#"{"b":1}"#),
            ),
            (r#""traits":null,"context":{"traits":{}}"#, Ok("{}")),
            (r#""traits":[1]"#, Ok("[1]")),
            (r#""traits":" {\"a\":1}""#, Ok(r#"{"a":1}"#)),
            (r#""traits":"{\"a\":1}}""#, Err(Ignored::NotADocument)),
            (r#""traits":"abc""#, Err(Ignored::NotADocument)),
            (r#""traits":"5""#, Err(Ignored::NotADocument)),
            (
                r#""traits":0,"context":{"traits":{"b":1}}"#,
                Err(Ignored::NotADocument),
            ),
            (r#""traits":false"#, Err(Ignored::NotADocument)),
            (r#""traits":{"a":1e400}"#, Err(Ignored::NumberOutOfRange)),
            (r#""context":null"#, Err(Ignored::NoTraits)),
            (
                r#""traits":{},"integrations":{"Redis":false}"#,
                Err(Ignored::IntegrationsOff),
            ),
        ] {
            assert_eq!(whole(members).as_deref(), expected.as_deref(), "{members}");
        }
    }

    #[test]
    fn what_goes_into_the_prefix_is_not_written() {
        let event = br#"{"userId":"u","traits":{"t":"acme","x":1}}"#;
        let update = update(event, &layout("{{ message.traits.t || d }}")).unwrap();
        assert_eq!(update.key(), b"acme:user:u");
        let patches: Vec<_> = update.patches().unwrap().collect();
        assert_eq!(patches, [br#"{"x":1}"#]);
    }

    #[test]
    fn a_model_is_a_place_in_the_document() {
        let model = |model: &str, more: &str| {
            let sources =
                format!(r#""profiles_entity":"e","profiles_id_type":"i","profiles_model":{model}"#);
            patch(&format!(
                r#"{{"userId":"u","context":{{"sources":{{{sources}}}}}{more}}}"#
            ))
        };
        let key = "w:d:e:i:u".to_owned();
        for (name, value, expected) in [
            (r#""m""#, r#","traits":5"#, r#"{"m":5}"#),
            (
                r#""m.n""#,
                r#","traits":{"a":null}"#,
                r#"{"m":{"n":{"a":null}}}"#,
            ),
            (r#""m""#, r#","traits":null"#, r#"{"m":null}"#),
            ("1.5", r#","traits":"x""#, r#"{"1":{"5":"x"}}"#),
            (r#"["a"]"#, r#","traits":1"#, r#"{"[\"a\"]":1}"#),
        ] {
            assert_eq!(
                model(name, value),
                Ok((key.clone(), expected.to_owned())),
                "{name}"
            );
        }
        assert_eq!(model(r#""m""#, ""), Err(Ignored::NoTraits));
    }

    #[test]
    fn what_redis_would_refuse_is_said_before() {
        let nested = |depth: usize| {
            format!(
                r#""traits":{}1{}"#,
                r#"{"a":"#.repeat(depth),
                "}".repeat(depth)
            )
        };
        assert!(whole(&nested(127)).is_ok());
        assert_eq!(whole(&nested(128)), Err(Ignored::DocumentTooDeep));
        // A long name above many places would take gigabytes to name them all.
        let places: Vec<_> = (0..2_000).map(|place| format!("\"{place}\":1")).collect();
        let wide = format!(
            r#""traits":{{"{}":{{{}}}}}"#,
            "x".repeat(20_000),
            places.join(",")
        );
        assert_eq!(whole(&wide), Err(Ignored::TooLarge));
    }
}
