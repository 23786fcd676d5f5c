//! An error with its causes, for a line in the log.

use std::error::Error;
use std::fmt;

/// Shows an error and every cause behind it, joined by `: `. For errors whose own text leaves out what caused them.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut causes = std::iter::successors(self.0.source(), |cause| (*cause).source());
        causes.try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn every_cause_is_shown_once() {
        let journal = crate::Error::io("fdatasync", Path::new("/data/1.segment"))(
            io::Error::from_raw_os_error(5), // EIO
        );
        let text = "cannot fdatasync /data/1.segment: Input/output error (os error 5)";
        assert_eq!(ErrorChain(&journal).to_string(), text);

        let closed = crate::Error::Closed;
        assert_eq!(ErrorChain(&closed).to_string(), closed.to_string());

        let outer = crate::Error::Io {
            action: "open",
            path: "/data".into(),
            source: Arc::new(io::Error::other(journal)),
        };
        // An io::Error that wraps another error has its text, and what is behind it as its own cause.
        assert_eq!(
            ErrorChain(&outer).to_string(),
            "cannot open /data: cannot fdatasync /data/1.segment: Input/output error (os error 5)"
        );
    }
}
