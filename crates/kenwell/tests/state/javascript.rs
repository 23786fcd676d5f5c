//! Our JSON against Node's: `JSON.stringify(JSON.parse(text))`, thousands of texts in one process.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use kenwell::state::Json;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// How many texts are compared.
const TEXTS: usize = 2_500;

/// Reads a hexadecimal line for each text, and writes one for what JavaScript makes of it, `-` when it
/// refuses it.
const SCRIPT: &str = "
const lines = require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1);
const answer = (line) => {
  try {
    const text = Buffer.from(line, 'hex').toString('utf8');
    return Buffer.from(JSON.stringify(JSON.parse(text)), 'utf8').toString('hex');
  } catch (error) {
    return '-';
  }
};
process.stdout.write(lines.map((line) => answer(line) + '\\n').join(''));
";

fn number() -> impl Strategy<Value = String> {
    let digits = "-?(0|[1-9][0-9]{0,12})";
    prop_oneof![
        digits,
        "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,20}([eE][+-]?[0-9]{1,3})?",
        "-?[1-9][eE][+-]?[0-9]{1,3}",
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(|value| format!("{value:e}")),
    ]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 ü\u{2028}\u{7f}\u{1f600}/']{0,6}",
        2 => "\\\\u[dD][89abcdefABCDEF][0-9a-f]{2}",
        1 => "\\\\u00[0-7][0-9a-fA-F]",
        1 => "\\\\u[0-9a-fA-F]{4}",
        1 => "\\\\[\"\\\\/bfnrt]",
    ];
    let key = prop_oneof![
        "0|[1-9][0-9]{0,10}",
        "0[0-9]",
        "429496729[3-6]",
        "__proto__|a|b|-1|"
    ];
    let pieces = prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 2 => key].prop_map(|text| format!("\"{text}\""))
}

fn value() -> impl Strategy<Value = String> {
    let word = prop_oneof!["true|false|null|NaN|Infinity"];
    let leaf = prop_oneof![4 => number(), 4 => string(), 1 => word];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let space = "[ \n\t\r]{0,2}";
        let array = prop::collection::vec(inner.clone(), 0..6);
        let member = (string(), space, inner);
        let member = member.prop_map(|(key, space, value)| format!("{key}{space}:{space}{value}"));
        prop_oneof![
            array.prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::vec(member, 0..8)
                .prop_map(|members| format!("{{{}}}", members.join(", "))),
        ]
    })
}

/// Most texts are JSON; in some a byte was changed, taken away or cut behind, also in the middle of a
/// character.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![
        6 => Just(None),
        1 => (any::<prop::sample::Index>(), prop_oneof![Just(0xff), Just(b'"'), Just(b'}'), Just(b','), any::<u8>()])
            .prop_map(Some),
    ];
    (value(), damage).prop_map(|(text, damage)| {
        let mut bytes = text.into_bytes();
        if let Some((index, byte)) = damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn javascript(texts: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let mut node = Command::new("node")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot run node ({error}); install it: apt-get install nodejs")
        });
    let mut lines = String::new();
    for text in texts {
        for byte in text {
            write!(lines, "{byte:02x}").unwrap();
        }
        lines.push('\n');
    }
    let mut input = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    let lines = str::from_utf8(&output.stdout).unwrap().lines();
    lines
        .map(|line| (line != "-").then(|| line.as_bytes().chunks(2).map(byte).collect()))
        .collect()
}

/// Integers beyond 2^53 keep their digits here, and only here.
fn has_large_integer(text: &[u8]) -> bool {
    let in_number = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    let mut numbers = text.split(|byte| !in_number(byte));
    numbers.any(|number| {
        let digits = number.strip_prefix(b"-").unwrap_or(number);
        digits.len() > 15 && digits.iter().all(u8::is_ascii_digit)
    })
}

#[test]
fn json_is_written_as_javascript_writes_it() {
    let mut runner = TestRunner::deterministic();
    let strategy = bytes();
    let texts: Vec<Vec<u8>> = (0..TEXTS)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    let theirs = javascript(&texts);
    assert_eq!(theirs.len(), texts.len());
    let (mut read, mut refused, mut changed) = (0, 0, 0);
    for (text, theirs) in texts.iter().zip(theirs) {
        let ours = Json::parse(text)
            .ok()
            .map(|json| json.as_str().as_bytes().to_vec());
        let large = ours.as_ref().is_some_and(|ours| has_large_integer(ours));
        if ours != theirs && !(large && theirs.is_some()) {
            let lossy = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            panic!(
                "{}\nours   {:?}\ntheirs {:?}",
                lossy(text),
                ours.as_deref().map(lossy),
                theirs.as_deref().map(lossy)
            );
        }
        read += usize::from(ours.is_some());
        refused += usize::from(ours.is_none());
        changed += usize::from(ours.is_some_and(|ours| ours != *text));
    }
    // The texts must be of all sorts, or this compares nothing.
    assert!(
        read > 1000 && refused > 100 && changed > 500,
        "{read} {refused} {changed}"
    );
}

#[test]
fn what_javascript_has_written_is_left_alone() {
    let mut runner = TestRunner::deterministic();
    let strategy = value();
    let texts: Vec<Vec<u8>> = (0..800)
        .map(|_| {
            strategy
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .into_bytes()
        })
        .collect();
    let written: Vec<Vec<u8>> = javascript(&texts).into_iter().flatten().collect();
    assert!(written.len() > 400);
    for text in written {
        assert_eq!(Json::parse(&text).unwrap().as_str().as_bytes(), text);
    }
}
