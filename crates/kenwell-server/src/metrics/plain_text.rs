//! The page in Prometheus' own text format (version 0.0.4), for those who do not read `OpenMetrics`.

/// The same page in the older format: a counter is named with its `_total`, units are left out, and the page has no
/// mark of its end.
pub(crate) fn plain_text(open_metrics: &str) -> String {
    let mut plain = String::with_capacity(open_metrics.len());
    // A family's lines are HELP, TYPE, UNIT, and its samples: the help waits until it is known what it is of.
    let mut help = None;
    for line in open_metrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            push(&mut plain, &[line]);
            continue;
        };
        let (word, rest) = comment.split_once(' ').unwrap_or((comment, ""));
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "HELP" => help = Some(rest),
            "TYPE" => {
                let suffix = if rest == "counter" { "_total" } else { "" };
                if let Some(help) = help.take() {
                    push(&mut plain, &["# HELP ", name, suffix, " ", help]);
                }
                push(&mut plain, &["# TYPE ", name, suffix, " ", rest]);
            }
            _ => {}
        }
    }
    plain
}

fn push(page: &mut String, parts: &[&str]) {
    for part in parts {
        page.push_str(part);
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::plain_text;

    #[test]
    fn counters_have_their_whole_name_and_the_rest_is_as_it_was() {
        let open = "# HELP a_seconds Time.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total{x=\"# y\"} 1\n\
                    # HELP b What b is.\n# TYPE b gauge\nb 2\n# EOF\n";
        let plain = "# HELP a_seconds_total Time.\n# TYPE a_seconds_total counter\na_seconds_total{x=\"# y\"} 1\n\
                     # HELP b What b is.\n# TYPE b gauge\nb 2\n";
        assert_eq!(plain_text(open), plain);
    }
}
