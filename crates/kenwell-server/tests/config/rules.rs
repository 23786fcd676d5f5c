//! The order of events, nulls and nested objects, together with what else a destination may ask for.

use super::{ROUTE, load, report_texts};

#[test]
fn what_goes_together_is_taken() {
    for settings in [
        "order = \"event_time\"\nttl = \"7d\"\nttl_from = \"first\"",
        "order = \"event_time\"\nnull_traits = \"delete\"\nnested = \"replace\"\nclock_tolerance = \"1m\"",
        "null_traits = \"delete\"\nnested = \"replace\"\nttl = \"7d\"\nfield_ttl = { \"cart.*\" = \"30m\" }",
        // What is so without saying it.
        "json = true\norder = \"arrival\"\nnull_traits = \"ignore\"\nnested = \"merge\"",
        "json = true\nttl = \"7d\"",
        "json = false\norder = \"event_time\"",
    ] {
        let loaded = load(&format!("{ROUTE}{settings}\n"), &[]);
        let warnings = loaded.map(|loaded| loaded.warnings);
        assert!(
            warnings.as_ref().is_ok_and(Vec::is_empty),
            "{settings}: {warnings:?}"
        );
    }
}

#[test]
fn what_excludes_each_other_is_told_with_the_fix() {
    let cases = [
        "order = \"event_time\"\nfield_ttl = { cart = \"30m\" }",
        "json = true\norder = \"event_time\"",
        "json = true\nnull_traits = \"delete\"",
        "json = true\nnested = \"replace\"",
        "json = true\norder = \"event_time\"\nttl = \"7d\"",
        "order = \"latest\"",
        "json = true\nnull_traits = \"remove\"",
        "order = \"event_time\"\nclock_tolerance = \"2h\"",
        // This one is a warning.
        "clock_tolerance = \"1m\"",
    ];
    let texts = cases.map(|settings| format!("{ROUTE}{settings}\n"));
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    insta::assert_snapshot!("rules", report_texts(&texts));
}
