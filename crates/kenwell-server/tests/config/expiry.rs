//! When profiles expire, as the file says it.

use super::load;

fn errors(settings: &str) -> String {
    let text = format!("[[destinations]]\nid = \"d\"\naddress = \"h:1\"\n{settings}\n");
    let problems = load(&text, &[]).err();
    problems.map_or_else(String::new, |problems| {
        let errors: Vec<_> = problems.errors.iter().map(ToString::to_string).collect();
        errors.join("\n")
    })
}

#[test]
fn what_fits_is_taken() {
    let many: Vec<_> = (0..64).map(|field| format!("f{field} = \"1s\"")).collect();
    for settings in [
        "ttl = \"1s\"".to_owned(),
        "ttl = \"3650d\"\nttl_from = \"first\"".to_owned(),
        "ttl_from = \"last_identify\"".to_owned(),
        "field_ttl = { \"cart.*\" = \"30m\", name = \"1h 30m\", \"a b.c\" = \"90\" }".to_owned(),
        format!("field_ttl = {{ {} }}", many.join(", ")),
    ] {
        assert_eq!(errors(&settings), "", "{settings}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_the_fix() {
    let many: Vec<_> = (0..65).map(|field| format!("f{field} = \"1s\"")).collect();
    let many = format!("field_ttl = {{ {} }}", many.join(", "));
    for (settings, says) in [
        ("ttl = \"999ms\"", "from 1s to 3650d"),
        ("ttl = \"3651d\"", "from 1s to 3650d"),
        ("ttl_from = \"last\"", "\"last_identify\" or \"first\""),
        ("ttl_from = \"first\"", "no effect without ttl"),
        ("field_ttl = { \"*\" = \"1s\" }", "it names no field"),
        (
            "field_ttl = { \"a.*.b\" = \"1s\" }",
            "\"a.*.b\" means no fields: a star",
        ),
        (
            "field_ttl = { a = \"soon\" }",
            "the time of \"a\": \"soon\" is not a length",
        ),
        (
            "field_ttl = { a = \"1ms\" }",
            "the time of \"a\": it must be from 1s to 3650d",
        ),
        ("field_ttl = { a = 5 }", "a table of texts"),
        (
            "json = true\nfield_ttl = { a = \"1m\" }",
            "no fields that could expire",
        ),
        (many.as_str(), "more than 64"),
    ] {
        let errors = errors(settings);
        assert!(errors.contains(says), "{settings}: {errors}");
        assert!(errors.contains("fix: "), "{errors}");
    }
}
