//! The dashboard for Grafana, made from the panels of the table.

use serde_json::{Value, json};

use super::description::{Description, METRIC, Panel, Section};
use super::table::METRICS;

/// The version of Grafana's format that this is written in. Newer Grafanas convert it when they load it.
const SCHEMA_VERSION: u32 = 41;
/// Columns of the page, and of a panel.
const COLUMNS: usize = 24;
const WIDTH: usize = 8;
const HEIGHT: usize = 8;
/// What all queries choose by: the variable `instance` of the dashboard.
const CHOSEN: &str = "{instance=~\"$instance\"}";
/// Where the data comes from: the variable `datasource` of the dashboard.
const SOURCE: &str = "${datasource}";

/// The dashboard as JSON, to be imported.
pub(crate) fn dashboard() -> Value {
    let (mut panels, mut top) = (Vec::new(), 0);
    for section in Section::ALL {
        let place = Place {
            left: 0,
            top,
            width: COLUMNS,
            height: 1,
        };
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": section.title(), "collapsed": false,
            "gridPos": place.json(), "panels": [],
        }));
        top += 1;
        let shown = panels_of(section);
        for (index, metrics) in shown.iter().enumerate() {
            let place = Place {
                left: index % (COLUMNS / WIDTH) * WIDTH,
                top: top + index / (COLUMNS / WIDTH) * HEIGHT,
                width: WIDTH,
                height: HEIGHT,
            };
            panels.push(chart(panels.len() + 1, metrics, &place));
        }
        top += shown.len().div_ceil(COLUMNS / WIDTH) * HEIGHT;
    }
    json!({
        "uid": "kenwell",
        "title": "Kenwell",
        "description": "Made by `kenwell metrics --dashboard`",
        "tags": ["kenwell"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": variables() },
        "annotations": { "list": [] },
        "links": [],
        "panels": panels,
    })
}

/// Where a panel is.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn json(&self) -> Value {
        json!({ "x": self.left, "y": self.top, "w": self.width, "h": self.height })
    }
}

/// The panels of a section, each with the metrics that are in it.
fn panels_of(section: Section) -> Vec<Vec<(&'static Description, Panel)>> {
    let mut panels: Vec<Vec<(&Description, Panel)>> = Vec::new();
    for metric in METRICS {
        let Some(panel) = metric.panel.filter(|panel| panel.section == section) else {
            continue;
        };
        let same = |shown: &&mut Vec<(&Description, Panel)>| {
            shown
                .first()
                .is_some_and(|(_, first)| first.title == panel.title)
        };
        match panels.iter_mut().find(same) {
            Some(shown) => shown.push((metric, panel)),
            None => panels.push(vec![(metric, panel)]),
        }
    }
    panels
}

fn chart(id: usize, metrics: &[(&Description, Panel)], place: &Place) -> Value {
    let first = metrics.first();
    let (title, unit) = first.map_or(("", ""), |(_, panel)| (panel.title, panel.unit));
    let help: Vec<_> = metrics.iter().map(|(metric, _)| metric.help).collect();
    let targets = metrics.iter().zip('A'..).map(|((metric, panel), letter)| {
        json!({
            "refId": letter.to_string(),
            "datasource": source(),
            "expr": query(metric, panel),
            "legendFormat": panel.legend,
            "range": true,
        })
    });
    json!({
        "id": id,
        "type": "timeseries",
        "title": title,
        "description": format!("{}.", help.join("; ")),
        "datasource": source(),
        "gridPos": place.json(),
        "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
        "options": {
            "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true },
            "tooltip": { "mode": "multi", "sort": "desc" },
        },
        "targets": targets.collect::<Vec<_>>(),
    })
}

/// The panel's query with the metric in it.
fn query(metric: &Description, panel: &Panel) -> String {
    let mut query = String::new();
    let mut rest = panel.query;
    while let Some((before, after)) = rest.split_once(METRIC) {
        // `_bucket` belongs to the name.
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (suffix, after) = after.split_at(end.unwrap_or(after.len()));
        query.extend([before, metric.name, suffix, CHOSEN]);
        rest = after;
    }
    query + rest
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": SOURCE })
}

fn variables() -> Value {
    json!([
        {
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
            "hide": 0, "refresh": 1, "multi": false, "includeAll": false, "options": [], "current": {},
        },
        {
            "name": "instance", "label": "Kenwell", "type": "query", "datasource": source(),
            "query": { "query": "label_values(kenwell_build_info, instance)", "refId": "instance" },
            "definition": "label_values(kenwell_build_info, instance)",
            "hide": 0, "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".*",
            "options": [], "current": { "text": ["All"], "value": ["$__all"] },
        },
    ])
}
