//! Where one message of the Redis protocol ends and the next begins.

/// The length of the first whole message in `bytes`, if all of it is there.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let count = || {
        let digits = std::str::from_utf8(&bytes[1..line - 2]).ok()?;
        digits.parse::<i64>().ok()
    };
    match bytes[0] {
        b'$' | b'=' | b'!' => {
            let end = match usize::try_from(count()?) {
                Ok(count) => line + count + 2,
                Err(_nothing) => line,
            };
            (bytes.len() >= end).then_some(end)
        }
        b'*' | b'~' | b'>' => elements(bytes, line, count()?),
        b'%' => elements(bytes, line, 2 * count()?),
        _ => Some(line),
    }
}

fn elements(bytes: &[u8], mut end: usize, count: i64) -> Option<usize> {
    for _ in 0..count {
        end += length(bytes.get(end..).filter(|rest| !rest.is_empty())?)?;
    }
    Some(end)
}

/// How many whole messages `bytes` begins with, and where they end.
pub(crate) fn whole(bytes: &[u8]) -> (usize, usize) {
    let (mut count, mut end) = (0, 0);
    while let Some(length) = bytes.get(end..).and_then(|rest| {
        let rest = Some(rest).filter(|rest| !rest.is_empty())?;
        length(rest)
    }) {
        count += 1;
        end += length;
    }
    (count, end)
}

#[test]
fn messages_are_told_apart() {
    let bytes = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n+OK\r\n$-1\r\n*-1\r\n%1\r\n:1\r\n#t\r\n$5\r\nhal";
    assert_eq!(whole(bytes), (5, bytes.len() - 7));
    assert_eq!(whole(b""), (0, 0));
    assert_eq!(length(b"*2\r\n:1\r\n"), None);
}
