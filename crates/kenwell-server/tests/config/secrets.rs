//! Secrets that lie in files, and files that others can read.

use super::*;

#[test]
fn a_login_in_files_keeps_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    fs::write(file("name"), "kenwell\n").unwrap();
    fs::write(file("password"), "p@\n").unwrap();
    let lines = "username = \"file:name\"\npassword = \"file:password\"";
    for url in ["", "url = \"redis://kenwell:p%40@127.0.0.1:6379\"\n"] {
        let text = with_destination_lines(&format!("{url}{lines}"));
        let config = load_in(directory.path(), &text, &[]).unwrap().config;
        let connection = &config.destinations[0].connection;
        assert_eq!(connection.username, None, "{url}");
        assert_eq!(connection.username_file, Some(file("name")), "{url}");
        let password = connection.password.as_ref().unwrap();
        assert_eq!(password.path(), Some(&*file("password")), "{url}");
        assert_eq!(password.expose(), "p@", "{url}");
    }
    fs::write(file("password"), "\n").unwrap();
    let problems = load_in(directory.path(), &with_destination_lines(lines), &[]).unwrap_err();
    assert!(problems.to_string().contains("is empty"), "{problems}");
}

#[test]
fn a_password_in_a_file_that_all_can_read_is_doubtful() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kenwell.toml");
    fs::write(&path, with_destination_lines("password = \"SECRET\"")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = Config::load(&path, &Environment::default())
        .unwrap()
        .warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].fix.contains("chmod"), "{warnings:?}");
    private(&path);
    assert_eq!(
        Config::load(&path, &Environment::default())
            .unwrap()
            .warnings,
        []
    );
}
