//! Which events a subscriber wants to see.

use super::observation::{EventFields, Observation, Outcome};

/// Everything that is given must agree; nothing given means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Id of the source.
    pub source: Option<String>,
    /// What the event says it is, in any case.
    pub kind: Option<String>,
    /// `userId` or `anonymousId`, exactly.
    pub user: Option<String>,
    /// What happened.
    pub outcome: Option<Outcome>,
    /// Id of the destination where it happened.
    pub destination: Option<String>,
    /// `messageId`, exactly.
    pub message_id: Option<String>,
}

impl Filter {
    /// Whether it may want to see what was written to this destination.
    pub(super) fn may_want_writes_to(&self, destination: &str) -> bool {
        let wanted = self.destination.as_deref();
        wanted.is_none_or(|wanted| wanted == destination)
            && self.outcome.is_none_or(|wanted| wanted == Outcome::Written)
    }

    pub(super) fn wants(&self, observation: &Observation<'_>, fields: &EventFields) -> bool {
        let same = |wanted: &Option<String>, given: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == given
        };
        let kind = self.kind.as_ref().is_none_or(|wanted| {
            let given = fields.kind.as_deref().unwrap_or_default();
            wanted.eq_ignore_ascii_case(given)
        });
        let user = self.user.is_none()
            || same(&self.user, fields.user_id.as_deref())
            || same(&self.user, fields.anonymous_id.as_deref());
        kind && user
            && same(&self.source, Some(observation.source))
            && same(&self.destination, observation.destination)
            && same(&self.message_id, fields.message_id.as_deref())
            && self
                .outcome
                .is_none_or(|wanted| wanted == observation.outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_given_must_agree() {
        let event = br#"{"type":"Identify","userId":"u","anonymousId":"a","messageId":"m"}"#;
        let observation = Observation {
            source: "web",
            outcome: Outcome::Written,
            event,
            reason: None,
            destination: Some("profiles"),
            update: None,
        };
        let wants = |change: &dyn Fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter.wants(&observation, &EventFields::read(event))
        };
        let text = |text: &str| Some(text.to_owned());
        assert!(wants(&|_| ()));
        assert!(wants(&|filter| filter.kind = text("identify")));
        assert!(wants(&|filter| filter.user = text("u")));
        assert!(wants(&|filter| filter.user = text("a")));
        assert!(wants(&|filter| filter.message_id = text("m")));
        assert!(wants(&|filter| filter.outcome = Some(Outcome::Written)));
        assert!(!wants(&|filter| filter.user = text("U")));
        assert!(!wants(&|filter| filter.kind = text("track")));
        assert!(!wants(&|filter| filter.source = text("ios")));
        assert!(!wants(&|filter| filter.destination = text("other")));
        assert!(!wants(&|filter| filter.outcome = Some(Outcome::Ignored)));
        assert!(!wants(&|filter| {
            filter.user = text("u");
            filter.source = text("ios");
        }));
    }
}
