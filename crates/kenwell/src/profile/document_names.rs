//! Names for the places in a document that a patch sets, so that what is newer can be told from what is older.
//!
//! A place has the name that a JSON Pointer gives it: `/plan/name`, with `~0` for `~` and `~1` for `/`. That what is
//! there is an object has a name of its own, the pointer and `/~`, which no place can have. A patch sets values at
//! places, and makes objects of all that is above them; a value takes the place of everything below it.

use std::borrow::Cow;

use kenwell_json::{Kind, Reader, Skipped, SyntaxError};

use super::json_text::push_quoted;

/// The end of the name that says that there is an object.
const OBJECT: &[u8] = b"/~";

/// A list of names.
type Names = Vec<Cow<'static, [u8]>>;

/// Keys and values of an object.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Skipped<'a>)>;

/// The names of all that these patches set.
pub(super) fn of<'a>(patches: impl Iterator<Item = &'a [u8]>) -> Names {
    collect(patches, |place, is_object, names| {
        let end = if is_object { OBJECT } else { b"" };
        names.push([place, end].concat().into());
    })
}

/// The names of what an older patch must not set any more once these are merged: the same places, what is below a
/// value, and a value where there is an object now.
pub(super) fn overwritten_by<'a>(patches: impl Iterator<Item = &'a [u8]>) -> Names {
    collect(patches, |place, is_object, names| {
        names.push(place.to_vec().into());
        if !is_object {
            names.push([place, OBJECT].concat().into());
        }
    })
}

fn collect<'a>(
    patches: impl Iterator<Item = &'a [u8]>,
    add: impl Fn(&[u8], bool, &mut Names),
) -> Names {
    let mut names = Names::new();
    for patch in patches {
        // What was written by us can be read.
        if visit(patch, &mut Vec::new(), &add, &mut names).is_err() {
            break;
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Calls `add` for each place below this one, and for this one. As deep as a patch may be.
fn visit(
    json: &[u8],
    place: &mut Vec<u8>,
    add: &impl Fn(&[u8], bool, &mut Names),
    names: &mut Names,
) -> Result<(), SyntaxError> {
    let members = members(json)?;
    add(place, members.is_some(), names);
    for (key, value) in members.unwrap_or_default() {
        let end = place.len();
        push_segment(key.as_bytes(), place);
        visit(value.raw, place, add, names)?;
        place.truncate(end);
    }
    Ok(())
}

/// A patch with only what is wanted by its name; `None` when there is nothing.
pub(super) fn retain(patch: &[u8], wanted: &impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(patch.len());
    // What was written by us can be read.
    let some = retain_below(patch, &mut Vec::new(), wanted, &mut kept);
    some.unwrap_or(false).then_some(kept)
}

/// Appends what is wanted of a value; says whether there is any.
fn retain_below(
    json: &[u8],
    place: &mut Vec<u8>,
    wanted: &impl Fn(&[u8]) -> bool,
    out: &mut Vec<u8>,
) -> Result<bool, SyntaxError> {
    let Some(members) = members(json)? else {
        let is_wanted = wanted(place);
        if is_wanted {
            out.extend_from_slice(json);
        }
        return Ok(is_wanted);
    };
    if !wanted(&[place, OBJECT].concat()) {
        return Ok(false);
    }
    let is_empty = members.is_empty();
    let mut some = false;
    out.push(b'{');
    for (key, value) in members {
        let (start, end) = (out.len(), place.len());
        if some {
            out.push(b',');
        }
        push_quoted(key.as_bytes(), false, out);
        out.push(b':');
        push_segment(key.as_bytes(), place);
        if retain_below(value.raw, place, wanted, out)? {
            some = true;
        } else {
            out.truncate(start);
        }
        place.truncate(end);
    }
    out.push(b'}');
    Ok(some || is_empty)
}

/// Keys and values of an object; `None` for everything else.
pub(super) fn members(json: &[u8]) -> Result<Option<Members<'_>>, SyntaxError> {
    let mut reader = Reader::new(json);
    if reader.kind()? != Kind::Object {
        return Ok(None);
    }
    reader.enter_object()?;
    let mut members = Vec::new();
    while let Some(key) = reader.next_key()? {
        members.push((key.decode(), reader.skip()?));
    }
    Ok(Some(members))
}

fn push_segment(key: &[u8], place: &mut Vec<u8>) {
    place.push(b'/');
    for &byte in key {
        match byte {
            b'~' => place.extend_from_slice(b"~0"),
            b'/' => place.extend_from_slice(b"~1"),
            _ => place.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn texts(names: Names) -> Vec<String> {
        let text = |name: Cow<'_, [u8]>| String::from_utf8(name.into_owned()).unwrap();
        names.into_iter().map(text).collect()
    }

    fn patches(json: &str) -> impl Iterator<Item = &[u8]> {
        std::iter::once(json.as_bytes())
    }

    #[test]
    fn places_have_names() {
        let patch = r#"{"a":{"":1,"x/y~":[{"b":1}]},"e":{}}"#;
        let names = texts(of(patches(patch)));
        assert_eq!(names, ["/a/", "/a/x~1y~0", "/a/~", "/e/~", "/~"]);
        let overwritten = texts(overwritten_by(patches(r#"{"a":{"b":1}}"#)));
        assert_eq!(overwritten, ["", "/a", "/a/b", "/a/b/~"]);
        assert_eq!(texts(overwritten_by(patches("[1]"))), ["", "/~"]);
    }

    /// What is left of an older patch once a newer one is merged.
    fn left(older: &str, newer: &str) -> Option<String> {
        let lost: HashSet<_> = overwritten_by(patches(newer)).into_iter().collect();
        let kept = retain(older.as_bytes(), &|name| !lost.contains(name));
        kept.map(|kept| String::from_utf8(kept).unwrap())
    }

    #[test]
    fn an_older_patch_keeps_what_a_newer_one_does_not_set() {
        for (older, newer, kept) in [
            (r#"{"a":1,"b":2}"#, r#"{"a":3}"#, Some(r#"{"b":2}"#)),
            (
                r#"{"a":{"x":1,"y":2}}"#,
                r#"{"a":{"x":3}}"#,
                Some(r#"{"a":{"y":2}}"#),
            ),
            (r#"{"a":{"x":1}}"#, r#"{"a":5}"#, None),
            (
                r#"{"a":{"x":1},"b":1}"#,
                r#"{"a":null}"#,
                Some(r#"{"b":1}"#),
            ),
            (r#"{"a":5,"b":{}}"#, r#"{"a":{"x":1}}"#, Some(r#"{"b":{}}"#)),
            (r#"{"a":5}"#, r#"{"a":{}}"#, None),
            (r#"{"a":{"x":1}}"#, r#"{"a":{}}"#, Some(r#"{"a":{"x":1}}"#)),
            (r#"{"a":{"x":{"z":1}}}"#, r#"{"a":{"x":1}}"#, None),
            (r#"{"a":1}"#, "[1]", None),
            ("[1]", r#"{"a":1}"#, None),
            ("[1]", "{}", None),
            ("{}", r#"{"a":1}"#, Some("{}")),
            (r#"{"a\"":1,"b":1}"#, r#"{"b":2}"#, Some(r#"{"a\"":1}"#)),
        ] {
            assert_eq!(
                left(older, newer).as_deref(),
                kept,
                "{older} behind {newer}"
            );
        }
    }
}
