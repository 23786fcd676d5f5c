//! The patch of a document: at which place a model stands, and whether Redis can merge it.

use kenwell_json::{Kind, Reader};

use super::Ignored;
use super::json_text::push_quoted;
use super::limits::{MAX_DOCUMENT_DEPTH, MAX_FLATTENED_BYTES};
use super::update::{Merging, ProfileUpdate};

/// The patch that sets the model at this path to a value. Dots in the path lead into objects; behind a backslash
/// any character is only itself, and a colon before a name is left out.
pub(super) fn in_model(path: &[u8], value: &[u8]) -> Vec<u8> {
    let names = names(path);
    let mut json = Vec::with_capacity(path.len() + value.len() + 6 * names.len());
    for name in &names {
        json.push(b'{');
        push_quoted(name, false, &mut json);
        json.push(b':');
    }
    json.extend_from_slice(value);
    json.extend(std::iter::repeat_n(b'}', names.len()));
    json
}

fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let mut name = Vec::new();
    let mut bytes = path.iter().copied().peekable();
    let mut is_first = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => {
                names.push(std::mem::take(&mut name));
                is_first = true;
                continue;
            }
            b':' if is_first && bytes.peek().is_some() => {}
            b'\\' => name.push(bytes.next().unwrap_or(b'\\')),
            _ => name.push(byte),
        }
        is_first = false;
    }
    names.push(name);
    names
}

/// How a patch can be merged.
///
/// # Errors
/// When it is nested deeper than RedisJSON takes, or the names of its places together are too long.
pub(super) fn examine(patch: &[u8]) -> Result<Merging, Ignored> {
    let mut examination = Examination {
        merging: Merging::InRedis,
        name_bytes: 0,
    };
    examination.value(&mut Reader::new(patch), 0, 0)?;
    Ok(examination.merging)
}

struct Examination {
    merging: Merging,
    /// Of the names of all places.
    name_bytes: usize,
}

impl Examination {
    /// Reads a value that stands inside `depth` containers, at a place whose name has so many bytes. It recurses
    /// to the deepest level that it allows.
    fn value(
        &mut self,
        reader: &mut Reader<'_>,
        depth: usize,
        place: usize,
    ) -> Result<(), Ignored> {
        let kind = reader.kind()?;
        if !matches!(kind, Kind::Object | Kind::Array) {
            reader.skip()?;
            return Ok(());
        }
        if depth >= MAX_DOCUMENT_DEPTH {
            return Err(Ignored::DocumentTooDeep);
        }
        if kind == Kind::Array {
            reader.enter_array()?;
            while reader.next_element()? {
                self.value(reader, depth + 1, place)?;
            }
            return Ok(());
        }
        reader.enter_object()?;
        while let Some(key) = reader.next_key()? {
            let place = place + 1 + key.raw().len();
            self.name_bytes += place;
            if self.name_bytes > MAX_FLATTENED_BYTES {
                return Err(Ignored::TooLarge);
            }
            if reader.kind()? == Kind::Null {
                self.merging = Merging::Here;
            }
            self.value(reader, depth + 1, place)?;
        }
        Ok(())
    }
}

impl ProfileUpdate {
    /// Patches of a document, each as [`in_model`] makes them, or merged of such; `None` when there are none.
    pub(super) fn of_patches<T: AsRef<[u8]>>(key: &[u8], patches: &[T]) -> Option<Self> {
        let in_redis = |patch: &T| matches!(examine(patch.as_ref()), Ok(Merging::InRedis));
        let merging = if patches.iter().all(in_redis) {
            Merging::InRedis
        } else {
            Merging::Here
        };
        let all = || patches.iter().map(AsRef::as_ref);
        (!patches.is_empty()).then(|| Self::of_document(key, merging, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_into_objects() {
        for (path, patch) in [
            ("mod", r#"{"mod":1}"#),
            ("a.b", r#"{"a":{"b":1}}"#),
            (r"a\.b", r#"{"a.b":1}"#),
            (r"a\", r#"{"a\\":1}"#),
            (":1", r#"{"1":1}"#),
            (":", r#"{":":1}"#),
            ("e:f", r#"{"e:f":1}"#),
            ("b.5", r#"{"b":{"5":1}}"#),
            ("a..b", r#"{"a":{"":{"b":1}}}"#),
            ("a|b#c*d?e", r#"{"a|b#c*d?e":1}"#),
            ("@this", r#"{"@this":1}"#),
            ("é\"\0", "{\"é\\\"\\u0000\":1}"),
        ] {
            let made = in_model(path.as_bytes(), b"1");
            assert_eq!(String::from_utf8(made).unwrap(), patch, "{path}");
        }
    }

    #[test]
    fn redis_can_merge_what_has_no_null_in_an_object() {
        for (patch, merging) in [
            (r#"{"a":{"b":[null,1]},"c":":null"}"#, Merging::InRedis),
            ("[null]", Merging::InRedis),
            (r#"{"a":{"b":null}}"#, Merging::Here),
            (r#"{"a":[{"b": null}]}"#, Merging::Here),
        ] {
            assert_eq!(examine(patch.as_bytes()), Ok(merging), "{patch}");
        }
    }
}
