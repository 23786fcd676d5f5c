//! What writing older events once more does to newer values, for whoever is about to do it.

use kenwell::profile::Layout;

/// What delivering again does at such a destination.
pub(crate) fn of_replay(layout: &Layout) -> &'static str {
    if layout.rules.is_by_time() {
        "order = \"event_time\": nothing newer is overwritten at any moment, whoever wrote it"
    } else {
        "order of arrival: readers see older values until it is through, and what anything but this Kenwell has written \
         since is overwritten; the other fields end as they are"
    }
}

/// What retrying dead letters does at such a destination.
pub(crate) fn of_retry(layout: &Layout) -> &'static str {
    if layout.rules.is_by_time() {
        "order = \"event_time\": nothing newer is overwritten, whoever wrote it"
    } else {
        "order of arrival: fields that newer events have set since through this Kenwell are left alone; what anything else \
         has written since is overwritten"
    }
}
