//! When profiles and their fields expire.

use std::time::Duration;

use super::ProfileUpdate;

/// The most patterns that give fields a time to live of their own.
pub const MAX_FIELD_TTLS: usize = 64;

/// When what is written goes again. By default it stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiry {
    /// How long a profile stays, in whole milliseconds; `None`: until somebody deletes it.
    pub ttl: Option<Duration>,
    /// From when on that counts.
    pub ttl_from: TtlFrom,
    /// Which fields go earlier than their profile.
    pub field_ttls: FieldTtls,
}

/// From when on a profile's time to live counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TtlFrom {
    /// From the last write: each one renews it.
    #[default]
    LastIdentify,
    /// From the first write: it is set when the profile has none, and stays.
    First,
}

/// Times to live of fields, by patterns; at most [`MAX_FIELD_TTLS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldTtls {
    /// The closest pattern first: whole names, then the longest beginning.
    patterns: Vec<(FieldPattern, Duration)>,
}

/// Which fields are meant: one, or all below a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FieldPattern {
    Name(String),
    /// What the names begin with: with the dot.
    Below(String),
}

/// What is wrong with the patterns of [`FieldTtls`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldPatternError {
    /// A pattern that is neither a name nor a name with `.*` behind it.
    #[error("a star may only stand behind the last dot")]
    Star,
    /// An empty pattern, or one that would mean all fields.
    #[error("it names no field")]
    Empty,
    /// More patterns than [`MAX_FIELD_TTLS`].
    #[error("there are more than {MAX_FIELD_TTLS}")]
    TooMany,
}

impl Expiry {
    /// Whether everything stays.
    pub fn is_none(&self) -> bool {
        self.ttl.is_none() && self.field_ttls.patterns.is_empty()
    }

    /// Whether a field of this update goes earlier than the profile.
    pub(super) fn concerns_fields_of(&self, update: &ProfileUpdate) -> bool {
        !self.field_ttls.patterns.is_empty()
            && update
                .fields()
                .any(|(name, _)| self.field_ttls.of(name).is_some())
    }
}

impl FieldTtls {
    /// From patterns and the times to live of the fields that match. A pattern is the name of a field as it stands in
    /// Redis (`cart.total`), or a name with `.*` behind it (`cart.*`): all fields below it, however deep. Where several
    /// match, the name counts, then the longest beginning.
    ///
    /// # Errors
    /// The pattern that is none and why, or an empty pattern when there are too many.
    pub fn new(
        ttls: impl IntoIterator<Item = (String, Duration)>,
    ) -> Result<Self, (String, FieldPatternError)> {
        let mut patterns = Vec::new();
        for (text, ttl) in ttls {
            match FieldPattern::parse(&text) {
                Ok(pattern) => patterns.push((pattern, ttl)),
                Err(error) => return Err((text, error)),
            }
        }
        if patterns.len() > MAX_FIELD_TTLS {
            return Err((String::new(), FieldPatternError::TooMany));
        }
        patterns.sort_by_key(|(pattern, _)| pattern.distance());
        Ok(Self { patterns })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// How long a field with this name stays; `None`: as long as its profile.
    pub fn of(&self, name: &[u8]) -> Option<Duration> {
        let mut patterns = self.patterns.iter();
        let found = patterns.find(|(pattern, _)| pattern.matches(name));
        found.map(|(_, ttl)| *ttl)
    }
}

impl FieldPattern {
    fn parse(text: &str) -> Result<Self, FieldPatternError> {
        let (name, below) = match text.strip_suffix(".*") {
            Some(name) => (name, true),
            None => (text, false),
        };
        if name.is_empty() || name == "*" {
            return Err(FieldPatternError::Empty);
        }
        if name.contains('*') {
            return Err(FieldPatternError::Star);
        }
        Ok(if below {
            Self::Below(format!("{name}."))
        } else {
            Self::Name(name.to_owned())
        })
    }

    fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Name(own) => own.as_bytes() == name,
            Self::Below(beginning) => name.starts_with(beginning.as_bytes()),
        }
    }

    /// The smaller, the closer.
    fn distance(&self) -> usize {
        match self {
            Self::Name(_) => 0,
            Self::Below(beginning) => usize::MAX - beginning.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ttls(patterns: &[(&str, u64)]) -> Result<FieldTtls, (String, FieldPatternError)> {
        let pairs = patterns.iter();
        FieldTtls::new(
            pairs.map(|(name, seconds)| ((*name).to_owned(), Duration::from_secs(*seconds))),
        )
    }

    #[test]
    fn the_closest_pattern_counts() {
        let ttls = ttls(&[("a.*", 1), ("a.b.*", 2), ("a.b.c", 3), ("x", 4)]).unwrap();
        for (name, seconds) in [
            ("a", None),
            ("a.", Some(1)),
            ("a.x", Some(1)),
            ("a.b", Some(1)),
            ("a.b.x.y", Some(2)),
            ("a.b.c", Some(3)),
            ("a.b.c.d", Some(2)),
            ("ab", None),
            ("x", Some(4)),
            ("x.y", None),
            ("", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(ttls.of(name.as_bytes()), expected, "{name}");
        }
        assert!(!ttls.is_empty());
        assert_eq!(FieldTtls::default().of(b"a"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (pattern, error) in [
            ("", FieldPatternError::Empty),
            ("*", FieldPatternError::Empty),
            (".*", FieldPatternError::Empty),
            ("*.*", FieldPatternError::Empty),
            ("a*", FieldPatternError::Star),
            ("*.a", FieldPatternError::Star),
            ("a.*.b", FieldPatternError::Star),
            ("a.*.*", FieldPatternError::Star),
        ] {
            assert_eq!(ttls(&[(pattern, 1)]), Err((pattern.to_owned(), error)));
        }
        let many: Vec<_> = (0..65)
            .map(|index| (format!("f{index}"), Duration::from_secs(1)))
            .collect();
        assert!(FieldTtls::new(many[1..].to_vec()).is_ok());
        assert_eq!(
            FieldTtls::new(many).unwrap_err().1,
            FieldPatternError::TooMany
        );
    }
}
