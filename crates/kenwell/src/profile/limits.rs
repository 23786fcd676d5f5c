//! Which limit of Redis an update has met, when the server closes the connection over it without a word.

use redis::{Pipeline, Value};

use super::ProfileUpdate;
use crate::connection::Connection;

/// The most bytes of one name or value; default 512 MiB.
const VALUE: &str = "proto-max-bulk-len";
/// The most bytes of a client that wait to be understood, which a whole command may be; default 1 GiB.
const COMMAND: &str = "client-query-buffer-limit";

/// In words, the limits of the server that has the update's key which the update exceeds; or those that it may
/// have exceeded, where the server does not tell them.
pub(super) async fn exceeded(connection: &Connection, update: &ProfileUpdate) -> Box<str> {
    let largest = update
        .fields()
        .map(|(name, value)| name.len().max(value.len()));
    let sizes = [largest.max().unwrap_or(0), update.bytes()];
    let [Some(value), Some(command)] = limits(connection, update).await else {
        return format!(
            "perhaps a value is larger than its `{VALUE}`, or the whole command than its `{COMMAND}`, \
             which it does not tell"
        )
        .into();
    };
    words(sizes, [value, command]).into()
}

fn words(sizes: [usize; 2], limits: [u64; 2]) -> String {
    let [largest, whole] = sizes.map(|size| u64::try_from(size).unwrap_or(u64::MAX));
    let [value, command] = limits;
    let mut met = Vec::new();
    if largest > value {
        met.push(format!(
            "a value has {largest} bytes and its `{VALUE}` is {value}"
        ));
    }
    // 0 stands for no limit in some of its relatives.
    if whole > command && command > 0 {
        met.push(format!(
            "the command has {whole} bytes and its `{COMMAND}` is {command}"
        ));
    }
    if met.is_empty() {
        return format!(
            "neither its `{VALUE}` nor its `{COMMAND}` is in the way, so perhaps something between here and there is"
        );
    }
    met.join(", and ")
}

/// Both, as far as the server tells them.
async fn limits(connection: &Connection, update: &ProfileUpdate) -> [Option<u64>; 2] {
    let mut question = Pipeline::new();
    for name in [VALUE, COMMAND] {
        question.cmd("CONFIG").arg("GET").arg(name);
    }
    let asked = connection.send_to_holder(update.key(), "CONFIG", &question);
    let mut replies = asked.await.unwrap_or_default().into_iter();
    [replies.next(), replies.next()].map(|reply| number(&reply?.ok()?))
}

/// The value of the one setting in a reply to `CONFIG GET`.
fn number(reply: &Value) -> Option<u64> {
    let value = match reply {
        Value::Array(pair) => pair.get(1)?,
        Value::Map(pairs) => &pairs.first()?.1,
        _ => return None,
    };
    match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::SimpleString(text) => text.parse().ok(),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exceeded_is_named_and_nothing_else() {
        let said = words([10, 30], [9, 40]);
        assert!(said.contains(VALUE) && !said.contains(COMMAND), "{said}");
        let said = words([10, 30], [20, 29]);
        assert!(said.contains(COMMAND) && !said.contains(VALUE), "{said}");
        let said = words([10, 30], [9, 29]);
        assert!(said.contains(COMMAND) && said.contains(VALUE), "{said}");
        assert!(words([10, 30], [10, 30]).contains("neither"));
        assert!(words([10, 30], [10, 0]).contains("neither"));
    }
}
