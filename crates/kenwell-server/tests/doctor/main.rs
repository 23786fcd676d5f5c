//! `kenwell doctor`, and a table of wrong settings with what is said about each.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

mod command;
mod support;
mod wrong_settings;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Writes `kenwell.toml` with these destinations, as only its owner may read it.
fn configure(directory: &Path, destinations: &[(&str, &str)]) {
    let ids: Vec<String> = destinations
        .iter()
        .map(|(id, _)| format!("\"{id}\""))
        .collect();
    let mut text = format!(
        "[[sources]]\nid = \"web\"\nwrite_key = \"SECRET-KEY\"\ndestinations = [{}]\n",
        ids.join(", ")
    );
    for (id, lines) in destinations {
        text.push_str("[[destinations]]\nid = \"");
        text.push_str(id);
        text.push_str("\"\n");
        text.push_str(lines);
        text.push('\n');
    }
    let path = directory.join("kenwell.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Runs `kenwell doctor` there; whatever it says shows no secret.
fn doctor(directory: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_kenwell"))
        .current_dir(directory)
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!stdout(&output).contains("SECRET"), "{output:?}");
    assert!(!stderr(&output).contains("SECRET"), "{output:?}");
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
