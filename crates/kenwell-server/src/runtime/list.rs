//! Values and lists of the file that change without a comment moving to another one.
//!
//! In a list, what stands before an item, up to the end of the line, is the comment of the item before it.

use toml_edit::{Array, Item, TableLike, Value};

/// Gives a key a value. What stands around the old one, a comment say, stays.
pub(super) fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Makes the list of texts at a key hold these; what it holds already stays as it is written.
pub(super) fn set_list(table: &mut dyn TableLike, key: &str, wanted: &[String]) {
    let Some(array) = table.get_mut(key).and_then(Item::as_array_mut) else {
        set(table, key, wanted.iter().collect::<Array>().into());
        return;
    };
    let is_wanted = |item: &Value| {
        item.as_str()
            .is_some_and(|item| wanted.iter().any(|it| it == item))
    };
    for index in (0..array.len()).rev() {
        if !array.get(index).is_some_and(is_wanted) {
            remove(array, index);
        }
    }
    for text in wanted {
        if !array.iter().any(|item| item.as_str() == Some(text)) {
            push(array, text.into());
        }
    }
}

/// Adds an item that stands like the one before it.
pub(super) fn push(array: &mut Array, mut value: Value) {
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let last = array.len().checked_sub(1).and_then(|last| array.get(last));
    let Some((last, (comment, rest))) = last.zip(lines(&trailing)) else {
        array.push(value);
        return;
    };
    let before = prefix(last);
    let indent = lines(&before).map_or("", |(_, indent)| indent);
    // Comments on lines of their own above the last item are its own.
    let indent = indent.rsplit_once('\n').map_or("", |(_, indent)| indent);
    value.decor_mut().set_prefix(format!("{comment}\n{indent}"));
    array.push_formatted(value);
    array.set_trailing(rest);
}

fn remove(array: &mut Array, index: usize) {
    let removed = prefix(&array.remove(index));
    let comment = lines(&removed).map_or("", |(comment, _)| comment);
    if let Some(next) = array.get_mut(index) {
        let own = prefix(next);
        if let Some((_, rest)) = lines(&own) {
            next.decor_mut().set_prefix(format!("{comment}{rest}"));
        } else if index == 0 {
            next.decor_mut().set_prefix(removed);
        }
    } else {
        let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
        if let Some((_, rest)) = lines(&trailing) {
            array.set_trailing(format!("{comment}{rest}"));
        }
    }
}

fn prefix(value: &Value) -> String {
    let prefix = value.decor().prefix().and_then(|prefix| prefix.as_str());
    prefix.unwrap_or_default().to_owned()
}

/// What stands on the line of the item before, and the line break with all that follows.
fn lines(text: &str) -> Option<(&str, &str)> {
    text.find('\n').and_then(|at| text.split_at_checked(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(before: &str, wanted: &[&str], after: &str) {
        let mut document: toml_edit::DocumentMut = before.parse().unwrap();
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        set_list(document.as_table_mut(), "l", &wanted);
        assert_eq!(document.to_string(), after);
    }

    #[test]
    fn on_one_line() {
        becomes("l = [\"a\", \"b\"] # x\n", &["b"], "l = [\"b\"] # x\n");
        becomes("l = [\"a\", \"b\"]\n", &["a"], "l = [\"a\"]\n");
        becomes("l = [\"a\"]\n", &["a", "b"], "l = [\"a\", \"b\"]\n");
        becomes("l = [ \"a\" ]\n", &[], "l = []\n");
        becomes("", &["a"], "l = [\"a\"]\n");
    }

    #[test]
    fn every_comment_stays_with_its_item() {
        let three = "l = [\n  # one\n  \"a\", # A\n  \"b\", # B\n  \"c\", # C\n]\n";
        let without = |gone: &str| three.replace(gone, "");
        becomes(three, &["a", "c"], &without("  \"b\", # B\n"));
        becomes(three, &["b", "c"], &without("  # one\n  \"a\", # A\n"));
        becomes(three, &["a", "b"], &without("  \"c\", # C\n"));
        let longer = three.replace("# C\n", "# C\n  \"d\",\n");
        becomes(three, &["a", "b", "c", "d"], &longer);
        becomes(&longer, &["a", "b", "c"], three);
    }
}
