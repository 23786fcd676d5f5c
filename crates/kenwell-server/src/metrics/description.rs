//! What is said of one metric: its name, its kind, its labels, what it means, and where a dashboard shows it.

use serde::Serialize;

/// One metric of `/metrics`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Description {
    /// As queries name it: a counter's ends in `_total`, a histogram's has no `_bucket`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The names of its labels; a histogram's `le` is not among them.
    pub(crate) labels: &'static [&'static str],
    /// What it is, without a full stop.
    pub(crate) help: &'static str,
    /// What to watch for, in Markdown; empty where there is nothing more to say.
    pub(crate) watch: &'static str,
    /// Where it is in the dashboard, if it is.
    pub(crate) panel: Option<Panel>,
}

/// What a metric does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// It only goes up.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It tells values apart by their size.
    Histogram,
}

/// A panel of the dashboard. Metrics that name the same one are in it together, and agree about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panel {
    pub(crate) section: Section,
    pub(crate) title: &'static str,
    /// The query; [`METRIC`] stands for the metric.
    pub(crate) query: &'static str,
    /// What each line is called, by its labels.
    pub(crate) legend: &'static str,
    /// The unit, as Grafana names it.
    pub(crate) unit: &'static str,
}

/// Stands for the metric in the query of a [`Panel`]; what follows it up to the next sign belongs to the name.
pub(crate) const METRIC: char = '@';

/// A row of the dashboard; they are in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Overview,
    Gateway,
    Destinations,
    Storage,
    Process,
}

impl Section {
    pub(super) const ALL: [Self; 5] = [
        Self::Overview,
        Self::Gateway,
        Self::Destinations,
        Self::Storage,
        Self::Process,
    ];

    /// Its heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Gateway => "Gateway",
            Self::Destinations => "Destinations",
            Self::Storage => "Journal and disk",
            Self::Process => "Process",
        }
    }
}

impl Kind {
    /// In a word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Description {
    pub(super) const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(Kind::Counter, name, labels, help)
    }

    pub(super) const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(Kind::Gauge, name, labels, help)
    }

    pub(super) const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self::new(Kind::Histogram, name, labels, help)
    }

    const fn new(
        kind: Kind,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            labels,
            help,
            watch: "",
            panel: None,
        }
    }

    pub(super) const fn watch(self, watch: &'static str) -> Self {
        Self { watch, ..self }
    }

    pub(super) const fn panel(self, panel: Panel) -> Self {
        Self {
            panel: Some(panel),
            ..self
        }
    }

    /// The names of its samples: a histogram has three.
    #[cfg(test)]
    pub(super) fn samples(&self) -> Vec<String> {
        match self.kind {
            Kind::Counter | Kind::Gauge => vec![self.name.to_owned()],
            Kind::Histogram => ["_bucket", "_sum", "_count"]
                .map(|suffix| format!("{}{suffix}", self.name))
                .to_vec(),
        }
    }
}

/// Defines the table, and a constant for each metric: the compiler tells of one that nothing shows, and a mistyped
/// name does not compile.
macro_rules! metrics {
    ($(#[$doc:meta])* $table:ident: $($name:ident = $description:expr;)*) => {
        $(pub(super) const $name: &Description = &$description;)*

        $(#[$doc])*
        pub(crate) const $table: &[&Description] = &[$($name),*];
    };
}
pub(super) use metrics;
