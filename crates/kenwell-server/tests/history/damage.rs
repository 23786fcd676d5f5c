//! Records that are damaged on disk are counted as lost, and cost nobody else anything.
