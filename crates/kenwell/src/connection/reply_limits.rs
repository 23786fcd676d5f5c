//! Which commands wait for a reply on a connection, and how much each of their replies may take.

use std::collections::VecDeque;

/// What a reply may take that is a status, an error or a number: what most commands answer with. It is also
/// the longest line of any reply.
pub(super) const SHORT: usize = 64 * 1024;

/// What a reply may take in which a server tells about itself: `INFO`, `CLUSTER SLOTS`, `CLIENT LIST`; or some of its keys: `SCAN`.
const REPORT: usize = 16 * 1024 * 1024;

/// What a profile may take, or a marker: of a hash each name and value counts as its bytes and
/// [`ITEM`] more.
const PROFILE: usize = 64 * 1024 * 1024;

/// What an item of a list takes in memory beside its bytes.
pub(super) const ITEM: usize = 64;

/// What a stored value may take: Redis' own limit (`proto-max-bulk-len`), and the line around it.
const VALUE: usize = 512 * 1024 * 1024 + SHORT;

/// The most that the reply to a command may take. A command that reads more than a status or a number must be
/// added here.
fn allowance(name: &[u8]) -> usize {
    match name {
        b"GET" | b"GETEX" | b"LRANGE" => VALUE,
        b"HGETALL" | b"JSON.GET" => PROFILE,
        b"SCAN" | b"INFO" | b"CLIENT" | b"CLUSTER" | b"SENTINEL" | b"HELLO" => REPORT,
        _ => SHORT,
    }
}

/// Reads along what is written, and remembers in order what the reply to each command may take.
#[derive(Default)]
pub(super) struct ReplyLimits {
    /// Allowances, and for how many commands in a row.
    waiting: VecDeque<(usize, u64)>,
    /// What the commands since `MULTI` may answer together.
    transaction: Option<usize>,
}

impl ReplyLimits {
    /// What the reply that begins now may take; an error when no command waits for one.
    pub(super) fn expect_reply(&mut self) -> Result<usize, String> {
        let allowed = self.next();
        allowed.ok_or_else(|| "it sent a reply that nobody had asked for".to_owned())
    }

    /// The same, or `None`.
    fn next(&mut self) -> Option<usize> {
        let (allowance, count) = self.waiting.front_mut()?;
        let allowance = *allowance;
        *count -= 1;
        if *count == 0 {
            self.waiting.pop_front();
        }
        Some(allowance)
    }

    /// Takes note of so many commands, none of which answers with more than a status or a number.
    pub(super) fn sent_short(&mut self, count: u64) {
        if count > 0 {
            self.wait_for(SHORT, count);
        }
    }

    /// Takes note of these commands, encoded.
    pub(super) fn written(&mut self, mut bytes: &[u8]) {
        while let Some((name, after)) = split_command(bytes) {
            self.command(name);
            bytes = after;
        }
    }

    /// Takes note of one command.
    fn command(&mut self, name: &[u8]) {
        let mut allowed = allowance(name);
        match (&mut self.transaction, name) {
            (_, b"MULTI") => self.transaction = Some(SHORT),
            (_, b"EXEC") => allowed = self.transaction.take().unwrap_or(SHORT),
            // Where `MULTI` was refused it is answered by itself.
            (Some(together), _) => *together = together.saturating_add(allowed),
            (None, _) => {}
        }
        self.wait_for(allowed, 1);
    }

    fn wait_for(&mut self, allowed: usize, more: u64) {
        match self.waiting.back_mut() {
            Some((last, count)) if *last == allowed => *count += more,
            _ => self.waiting.push_back((allowed, more)),
        }
    }
}

/// The name of the command that comes first, and what follows that command.
fn split_command(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (arguments, mut rest) = split_number(bytes)?;
    let mut name = None;
    for _argument in 0..arguments {
        let (length, after) = split_number(rest)?;
        let (argument, after) = after.split_at_checked(length)?;
        name.get_or_insert(argument);
        rest = after.get(2..)?;
    }
    Some((name?, rest))
}

/// The number in the line that comes first, behind the kind, and what follows that line.
fn split_number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number: usize = 0;
    for (place, byte) in bytes.iter().enumerate().skip(1) {
        let digit = byte.wrapping_sub(b'0');
        if digit >= 10 {
            return Some((number, bytes.get(place + 2..)?));
        }
        number = number.saturating_mul(10).saturating_add(digit.into());
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::resp::Pipeline;

    use super::*;
    use crate::connection::CommandBuffer;

    fn allowances(asked: &mut ReplyLimits) -> Vec<usize> {
        let count = asked.waiting.iter().map(|(_, count)| count).sum::<u64>();
        (0..count).map_while(|_| asked.next()).collect()
    }

    #[test]
    fn each_reply_is_as_long_as_its_command_allows() {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("PING");
        pipeline.cmd("HSET").arg("GET").arg("HGETALL\r\n*1").arg("");
        pipeline.cmd("HGETALL").arg(vec![b'*'; 300]);
        pipeline.cmd("CLIENT").arg("LIST");
        pipeline.cmd("GETEX").arg("k").arg("EX").arg(1);
        pipeline.cmd("ANAMETHATISLONGERTHANANYOFREDIS").arg("GET");
        pipeline.cmd("INFO");
        let bytes = CommandBuffer::from(&pipeline).into_bytes();
        let mut asked = ReplyLimits::default();
        asked.written(&bytes);
        let expected = [SHORT, SHORT, PROFILE, REPORT, VALUE, SHORT, REPORT];
        assert_eq!(allowances(&mut asked), expected);
        assert_eq!(asked.next(), None);
    }

    #[test]
    fn a_transaction_may_answer_what_its_commands_may() {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("MULTI");
        pipeline.cmd("GET").arg("a");
        pipeline.cmd("SET").arg("b").arg("c");
        pipeline.cmd("EXEC");
        pipeline.cmd("EXEC");
        let mut asked = ReplyLimits::default();
        asked.written(&CommandBuffer::from(&pipeline).into_bytes());
        let together = VALUE + 2 * SHORT;
        let expected = [SHORT, VALUE, SHORT, together, SHORT];
        assert_eq!(allowances(&mut asked), expected);
    }

    #[test]
    fn a_long_pipeline_takes_no_room() {
        let mut pipeline = Pipeline::new();
        for _ in 0..10_000 {
            pipeline.cmd("HSET").arg("k").arg("f").arg("v");
        }
        let mut asked = ReplyLimits::default();
        asked.written(&CommandBuffer::from(&pipeline).into_bytes());
        assert_eq!(asked.waiting, [(SHORT, 10_000)]);
    }
}
