//! `key=value` arguments as a JSON object.

use serde::de::IgnoredAny;

/// A trait, or an object of them, in the order given. Leaves are JSON text, so that numbers keep
/// their exact digits.
enum Node {
    Leaf(String),
    Object(Vec<(String, Node)>),
}

/// The JSON object that the pairs make: `a.b=1` is `{"a":{"b":1}}`.
///
/// # Errors
/// What is wrong with a pair, and the fix.
pub(super) fn json_object(pairs: &[String]) -> Result<String, String> {
    let mut fields = Vec::new();
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("\"{pair}\" has no =: write key=value"))?;
        let path: Vec<&str> = key.split('.').collect();
        if path.iter().any(|part| part.is_empty()) {
            return Err(format!(
                "\"{pair}\" has an empty key: write key=value or a.b=value"
            ));
        }
        insert(&mut fields, &path, leaf(value)).ok_or_else(|| {
            format!(
                "\"{key}\" clashes with an earlier key: a key is either a value or an object, once"
            )
        })?;
    }
    let mut text = String::new();
    write(&Node::Object(fields), &mut text);
    Ok(text)
}

/// The value as JSON, as it is when it is JSON, else as a JSON string.
fn leaf(value: &str) -> Node {
    match serde_json::from_str::<IgnoredAny>(value) {
        Ok(_) => Node::Leaf(value.to_owned()),
        Err(_) => Node::Leaf(quoted(value)),
    }
}

/// `None` when something else is in the way.
fn insert(fields: &mut Vec<(String, Node)>, path: &[&str], leaf: Node) -> Option<()> {
    let (first, rest) = path.split_first()?;
    let known = fields.iter().position(|(key, _)| key == first);
    match (known.and_then(|index| fields.get_mut(index)), rest) {
        (None, []) => fields.push(((*first).to_owned(), leaf)),
        (None, rest) => {
            let mut inner = Vec::new();
            insert(&mut inner, rest, leaf)?;
            fields.push(((*first).to_owned(), Node::Object(inner)));
        }
        (Some((_, Node::Object(inner))), [_, ..]) => insert(inner, rest, leaf)?,
        (Some(_), _) => return None,
    }
    Some(())
}

fn write(node: &Node, text: &mut String) {
    match node {
        Node::Leaf(json) => text.push_str(json),
        Node::Object(fields) => {
            text.push('{');
            for (index, (key, node)) in fields.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(key));
                text.push(':');
                write(node, text);
            }
            text.push('}');
        }
    }
}

/// Text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::json_object;

    fn object(pairs: &[&str]) -> Result<String, String> {
        let pairs: Vec<String> = pairs.iter().map(ToString::to_string).collect();
        json_object(&pairs)
    }

    #[test]
    fn json_values_keep_their_type_and_digits() {
        let pairs = [
            "a=1",
            "b=true",
            "c=null",
            "d=[1,{\"x\":\"y\"}]",
            "e=12345678901234567890.10",
            "f={\"g\":1}",
        ];
        assert_eq!(
            object(&pairs).unwrap(),
            r#"{"a":1,"b":true,"c":null,"d":[1,{"x":"y"}],"e":12345678901234567890.10,"f":{"g":1}}"#
        );
    }

    #[test]
    fn other_values_are_strings() {
        let pairs = [
            "a=Ada Lovelace",
            "b=",
            "c=01234",
            "d=\"5\"",
            "e=x=y",
            "f=NaN",
            "g=say \"hi\"\n",
        ];
        assert_eq!(
            object(&pairs).unwrap(),
            r#"{"a":"Ada Lovelace","b":"","c":"01234","d":"5","e":"x=y","f":"NaN","g":"say \"hi\"\n"}"#
        );
    }

    #[test]
    fn dots_nest() {
        let pairs = ["plan.tier=pro", "name=Ada", "plan.seats=3", "a.b.c=1"];
        assert_eq!(
            object(&pairs).unwrap(),
            r#"{"plan":{"tier":"pro","seats":3},"name":"Ada","a":{"b":{"c":1}}}"#
        );
        assert_eq!(object(&[]).unwrap(), "{}");
    }

    #[test]
    fn mistakes_are_explained() {
        for (pairs, says) in [
            (&["plan"][..], "no ="),
            (&["=x"], "empty key"),
            (&["a..b=x"], "empty key"),
            (&["a=1", "a=2"], "clashes"),
            (&["a=1", "a.b=2"], "clashes"),
            (&["a.b=1", "a=2"], "clashes"),
            (&["a={}", "a.b=2"], "clashes"),
        ] {
            let error = object(pairs).unwrap_err();
            assert!(error.contains(says), "{pairs:?}: {error}");
        }
    }
}
