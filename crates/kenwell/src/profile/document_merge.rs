//! Merging a patch with a document, both as JSON text.
//!
//! An object is merged with the object that is there, member by member. Everything else takes the place of what is
//! there, null included. The one exception: where a number, a text, an array, … becomes an object or another array,
//! its members that are null are left out, as RudderStack does it.
//!
//! Only what the patch names is taken apart; the rest of the document is copied as it stands, so its numbers keep
//! their text. It recurses as deep as the patch, which is bounded by [`MAX_DOCUMENT_DEPTH`](super::MAX_DOCUMENT_DEPTH).

use std::collections::HashMap;

use kenwell_json::{Kind, Reader, Skipped, SyntaxError};

use super::document_names::members;
use super::json_text::push_quoted;

/// Appends the document that the patch makes of `document`; `None` is a document that does not exist.
///
/// # Errors
/// When one of them is no JSON.
pub(super) fn merge(
    document: Option<&[u8]>,
    patch: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SyntaxError> {
    let document = document.map(|json| Reader::new(json).skip()).transpose()?;
    let patch = Reader::new(patch).skip()?;
    match (patch.kind, document) {
        // A whole array replaces the document, and leaves out what is null even where nothing was.
        (Kind::Array, _) => prune(patch, out),
        (Kind::Object, Some(document)) if document.kind != Kind::Object => {
            out.extend_from_slice(patch.raw);
            Ok(())
        }
        _ => merge_value(document, patch, out),
    }
}

fn merge_value(
    target: Option<Skipped<'_>>,
    patch: Skipped<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SyntaxError> {
    match (target.map(|target| target.kind), patch.kind) {
        (Some(Kind::Object), Kind::Object) => merge_objects(
            target.map_or(&b"{}"[..], |target| target.raw),
            patch.raw,
            out,
        ),
        (None | Some(Kind::Null | Kind::Object), _) => {
            out.extend_from_slice(patch.raw);
            Ok(())
        }
        _ => prune(patch, out),
    }
}

/// The members of the target in their order, then the new ones.
fn merge_objects(target: &[u8], patch: &[u8], out: &mut Vec<u8>) -> Result<(), SyntaxError> {
    let before = members(target)?.unwrap_or_default();
    let after = members(patch)?.unwrap_or_default();
    let mut new: HashMap<&str, Skipped<'_>> =
        after.iter().map(|(key, value)| (&**key, *value)).collect();
    let mut separator = b'{';
    let mut key = |key: &str, out: &mut Vec<u8>| {
        out.push(std::mem::replace(&mut separator, b','));
        push_quoted(key.as_bytes(), false, out);
        out.push(b':');
    };
    for (name, value) in &before {
        key(name, out);
        match new.remove(&**name) {
            Some(patch) => merge_value(Some(*value), patch, out)?,
            None => out.extend_from_slice(value.raw),
        }
    }
    for (name, value) in after.iter().filter(|(name, _)| new.contains_key(&**name)) {
        key(name, out);
        merge_value(None, *value, out)?;
    }
    if separator == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

/// Appends a value without those members of objects that are null; elements of arrays stay.
fn prune(value: Skipped<'_>, out: &mut Vec<u8>) -> Result<(), SyntaxError> {
    let mut reader = Reader::new(value.raw);
    match value.kind {
        Kind::Object => {
            reader.enter_object()?;
            let mut separator = b'{';
            while let Some(key) = reader.next_key()? {
                let member = reader.skip()?;
                if member.kind != Kind::Null {
                    out.push(std::mem::replace(&mut separator, b','));
                    push_quoted(key.decode().as_bytes(), false, out);
                    out.push(b':');
                    prune(member, out)?;
                }
            }
            if separator == b'{' {
                out.push(b'{');
            }
            out.push(b'}');
        }
        Kind::Array => {
            reader.enter_array()?;
            out.push(b'[');
            let start = out.len();
            while reader.next_element()? {
                if out.len() > start {
                    out.push(b',');
                }
                prune(reader.skip()?, out)?;
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(value.raw),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(document: Option<&str>, patch: &str) -> String {
        let mut out = Vec::new();
        merge(document.map(str::as_bytes), patch.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn objects_are_merged_and_everything_else_is_replaced() {
        for (document, patch, expected) in [
            (
                r#"{"a":{"x":1.50,"y":2},"b":1}"#,
                r#"{"a":{"y":3,"z":4}}"#,
                r#"{"a":{"x":1.50,"y":3,"z":4},"b":1}"#,
            ),
            (r#"{"a":1}"#, r#"{"a":{"x":2}}"#, r#"{"a":{"x":2}}"#),
            (r#"{"a":{"x":2}}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{ "a" : 1 }"#, "{}", r#"{"a":1}"#),
            ("{}", "{}", "{}"),
            (r#"{"a":1}"#, "[1]", "[1]"),
            ("[1]", r#"{"a":1}"#, r#"{"a":1}"#),
            (
                r#"{"a\"b":1,"c\\":2}"#,
                r#"{"a\"b":3}"#,
                r#"{"a\"b":3,"c\\":2}"#,
            ),
        ] {
            assert_eq!(
                merged(Some(document), patch),
                expected,
                "{document} with {patch}"
            );
        }
        assert_eq!(merged(None, r#"{"a":{"b":null}}"#), r#"{"a":{"b":null}}"#);
    }

    #[test]
    fn null_is_stored_unless_a_value_becomes_an_object() {
        for (document, patch, expected) in [
            (r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":null}"#),
            ("{}", r#"{"a":{"x":null}}"#, r#"{"a":{"x":null}}"#),
            (
                r#"{"a":null}"#,
                r#"{"a":{"x":null}}"#,
                r#"{"a":{"x":null}}"#,
            ),
            (
                r#"{"a":{"x":1}}"#,
                r#"{"a":{"x":null}}"#,
                r#"{"a":{"x":null}}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":{"x":null,"y":{"z":null}}}"#,
                r#"{"a":{"y":{}}}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":[null,{"x":null}]}"#,
                r#"{"a":[null,{}]}"#,
            ),
            (
                r#"{"a":{"x":1}}"#,
                r#"{"a":[null,{"x":null}]}"#,
                r#"{"a":[null,{"x":null}]}"#,
            ),
            ("[1]", r#"{"a":null}"#, r#"{"a":null}"#),
            ("{}", r#"[{"a":null},null]"#, "[{},null]"),
        ] {
            assert_eq!(
                merged(Some(document), patch),
                expected,
                "{document} with {patch}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        assert!(merge(Some(b"{"), b"{}", &mut Vec::new()).is_err());
        assert!(merge(Some(b"{\"a\"}"), b"{\"a\":1}", &mut Vec::new()).is_err());
    }
}
