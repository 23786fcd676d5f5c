//! What commands say of a configuration file, and which one they take.

use std::fs;
use std::process::Output;

use super::{configured, kenwell, run, stderr, stdout};

/// Who keeps what a command prints keeps results alone.
#[test]
fn what_is_doubtful_of_a_configuration_is_told_beside_the_result() {
    let directory = tempfile::tempdir().unwrap();
    let write = |text: &str| fs::write(directory.path().join("kenwell.toml"), text).unwrap();
    let check = |words: &[&str]| run(directory.path(), &[&["config", "check"], words].concat());
    write("[[sources]]\nid = \"web\"\nwrite_key = \"SECRET\"\n");
    let said = check(&[]);
    assert!(stdout(&said).starts_with("kenwell.toml: ok"), "{said:?}");
    assert!(
        stderr(&said).starts_with("warning: kenwell.toml:"),
        "{said:?}"
    );
    let first = |output: &Output| {
        let said = stdout(output);
        serde_json::from_str::<serde_json::Value>(said.lines().next().unwrap()).unwrap()
    };
    let said = check(&["--json"]);
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let warning = first(&said);
    assert_eq!(
        (&warning["level"], &warning["key"]),
        (&"warning".into(), &"sources.web.destinations".into())
    );
    write("\ndatadir = \"x\"\n");
    let said = check(&["--json"]);
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    let error = first(&said);
    assert_eq!(
        (&error["level"], &error["line"], &error["key"]),
        (&"error".into(), &2.into(), &"datadir".into())
    );
    assert!(
        error["fix"].as_str().unwrap().contains("data_dir"),
        "{error}"
    );
    assert!(stderr(&said).contains("unknown key"), "{said:?}");
}

#[test]
fn a_bad_configuration_exits_with_2_and_says_where() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("other.toml"), "datadir = \"x\"\n").unwrap();
    for arguments in [
        &["config", "check", "other.toml"][..],
        &["serve", "--config", "other.toml"],
        &["journal", "stats", "--config", "other.toml"],
    ] {
        let output = run(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        let said = stderr(&output);
        assert!(
            said.contains("other.toml:1:1: datadir: unknown key"),
            "{said}"
        );
        assert!(said.contains("did you mean \"data_dir\"?"), "{said}");
    }
    let output = run(directory.path(), &["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("kenwell.toml: cannot read"),
        "{output:?}"
    );
}

#[test]
fn init_makes_a_configuration_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kenwell.toml");
    let begin = || {
        // A listener that cannot be, so that the server does not stay.
        let mut command = kenwell(directory.path(), &["serve", "--init"]);
        let output = command.env("KENWELL_GATEWAY_LISTEN", "x").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    };
    begin();
    assert!(fs::read_to_string(&path).unwrap().starts_with("# Kenwell"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    fs::write(&path, "data_dir = \"mine\"\n").unwrap();
    begin();
    assert_eq!(fs::read_to_string(&path).unwrap(), "data_dir = \"mine\"\n");
}

#[test]
fn the_configuration_can_be_named_by_a_variable() {
    let directory = configured();
    fs::rename(
        directory.path().join("kenwell.toml"),
        directory.path().join("mine.toml"),
    )
    .unwrap();
    let output = kenwell(directory.path(), &["config", "check"])
        .env("KENWELL_CONFIG", "mine.toml")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).starts_with("mine.toml: ok"), "{output:?}");
}
