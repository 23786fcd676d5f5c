//! Why a configuration of another system cannot be imported.

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotImported {
    /// It is no JSON.
    #[error("this is no JSON")]
    NotJson(#[from] serde_json::Error),
    /// It is some other JSON.
    #[error("there is no list `sources` in it: is it a workspaceConfig.json?")]
    NoSources,
    /// A shadow prefix cannot stand before one that events choose.
    #[error(
        "the prefix of destination \"{destination}\" comes from the events: use --shadow-database instead of --shadow"
    )]
    TemplateInShadow {
        /// Which destination.
        destination: String,
    },
    /// A shadow database is none of a cluster's.
    #[error(
        "destination \"{destination}\" is a cluster, which has no databases: use --shadow instead of --shadow-database"
    )]
    ClusterHasNoDatabases {
        /// Which destination.
        destination: String,
    },
}
