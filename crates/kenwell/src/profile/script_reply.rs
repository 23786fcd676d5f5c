//! What the script answers to an update that is watched.
//!
//! The reply is a number, 0 when it did all that the update says, otherwise that of the update's fields, which were all
//! left alone; or this text, with big endian numbers:
//!
//! | bytes | content |
//! |---|---|
//! | 2 | number of fields that were left alone |
//! | 2 each | their places among the fields of the command |
//! | 4 | number of fields that were removed |
//! | 4 | number of fields below a name that it removes which were left alone |
//! | n | names of these, removed (`-`) and left alone (`=`), as clocks have them; 100 of each, cut at 250 bytes |

use super::ProfileUpdate;
use super::clocks::{Change, read_names};
use super::limits::MAX_FIELDS;
use super::merge::Merge;
use super::merge_report::MergeReport;
use crate::Error;
use crate::resp::Value;

/// Takes what the replies say of those updates that are watched. Of each there are so many replies.
pub(super) fn note<U: AsRef<ProfileUpdate>>(
    updates: &[U],
    counts: &[usize],
    replies: &[Result<Value, Error>],
) {
    let mut rest = replies;
    for (update, count) in updates.iter().zip(counts) {
        let (own, behind) = rest.split_at_checked(*count).unwrap_or((rest, &[]));
        rest = behind;
        let update = update.as_ref();
        let merge = update.merge().filter(|merge| merge.report.is_watched());
        if let Some(merge) = merge
            && let Some(report) = report_of(update, merge, own)
        {
            merge.report.set(report);
        }
    }
}

/// What the replies to the commands of one update say together; `None` when one of them is an error, or not understood.
fn report_of(
    update: &ProfileUpdate,
    merge: &Merge,
    replies: &[Result<Value, Error>],
) -> Option<MergeReport> {
    let mut report = MergeReport::default();
    let mut first = 0;
    for (reply, fields) in replies.iter().zip(command_fields(update, merge)) {
        match reply.as_ref().ok()? {
            Value::Int(0) => {}
            Value::Int(_) => report.left_alone.extend(first..first + fields),
            Value::BulkString(text) => add(&mut report, text, first)?,
            _ => return None,
        }
        first += fields;
    }
    Some(report)
}

/// How many fields each command of an update sets, in order: all, or of each group in pieces.
fn command_fields(update: &ProfileUpdate, merge: &Merge) -> Vec<usize> {
    let all = update.fields().len();
    if all <= MAX_FIELDS {
        return vec![all];
    }
    let mut commands = Vec::new();
    for group in &merge.groups {
        let mut left = group.fields;
        loop {
            let piece = left.min(MAX_FIELDS);
            commands.push(piece);
            left -= piece;
            if left == 0 {
                break;
            }
        }
    }
    commands
}

/// Adds what the text of one command says, whose fields begin at the place `first`.
fn add(report: &mut MergeReport, text: &[u8], first: usize) -> Option<()> {
    let (count, text) = text.split_first_chunk()?;
    let (places, text) = text.split_at_checked(2 * usize::from(u16::from_be_bytes(*count)))?;
    let (places, _) = places.as_chunks();
    let places = places.iter().map(|place| u16::from_be_bytes(*place));
    report
        .left_alone
        .extend(places.map(|place| first + usize::from(place)));
    let (removed, text) = text.split_first_chunk()?;
    let (newer, text) = text.split_first_chunk()?;
    report.removed.count += u64::from(u32::from_be_bytes(*removed));
    report.newer.count += u64::from(u32::from_be_bytes(*newer));
    for (change, name) in read_names(text)? {
        let names = match change {
            Change::Removed => &mut report.removed.names,
            Change::Set | Change::Replaced => &mut report.newer.names,
        };
        names.push(name.into());
    }
    report.left_alone.sort_unstable();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_several_commands_are_added_up() {
        let mut report = MergeReport::default();
        let text = b"\0\x02\0\x03\0\x01\0\0\0\x01\0\0\0\x07-\x01a=\x03b.c";
        add(&mut report, text, 0).unwrap();
        add(&mut report, text, 10).unwrap();
        assert_eq!(report.left_alone, [1, 3, 11, 13]);
        assert_eq!((report.removed.count, report.newer.count), (2, 14));
        assert_eq!(report.removed.names[0].as_ref(), b"a");
        assert_eq!(report.newer.names[1].as_ref(), b"b.c");
        for cut in 0..text.len() {
            let mut report = MergeReport::default();
            // Names may end anywhere between two of them.
            assert!(
                add(&mut report, &text[..cut], 0).is_none() || [14, 17].contains(&cut),
                "{cut}"
            );
        }
    }
}
