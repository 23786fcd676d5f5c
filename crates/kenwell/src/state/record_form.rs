//! How records are written and read: as Jovo does, or as the documents that they are.

/// What becomes of parts that are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordForm {
    /// Empty user data and an empty history are written, and data that JavaScript takes for nothing is read as nothing.
    Jovo,
    /// What a record does not have is not written, what it has is read as it is, and each save has another `updatedAt`.
    Document,
}
