//! All findings about one Redis.

use super::finding::{Check, Finding, Status};

/// The findings, one for each [`Check`], in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds what was not reached after the last finding.
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        if let Some(last) = findings.last() {
            let reason = format!("not reached: see {}", last.check);
            let made = Check::ALL.iter().position(|check| *check == last.check);
            let rest = Check::ALL.iter().skip(made.map_or(0, |made| made + 1));
            let rest: Vec<_> = rest.map(|check| check.skipped(reason.as_str())).collect();
            findings.extend(rest);
        }
        Self { findings }
    }

    /// The findings in the order of [`Check::ALL`].
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding about this.
    pub fn finding(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|found| found.check == check)
    }

    /// How many findings have this status.
    pub fn count(&self, status: Status) -> usize {
        let with = |found: &&Finding| found.status == status;
        self.findings.iter().filter(with).count()
    }

    /// Whether profiles can be written: nothing failed. There may be warnings.
    pub fn is_healthy(&self) -> bool {
        self.count(Status::Failed) == 0
    }
}
