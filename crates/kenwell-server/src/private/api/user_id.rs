//! Which user a request is about: the path's, or the query's where no path can name them.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::private::error::ApiError;

/// What stands in the path when the query names the user.
const IN_QUERY: &str = "-";

/// The user, beside the path.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UserQuery {
    /// The user's id in place of the path's, which is `-` then: browsers and many programs drop the ids `.` and `..` from
    /// a path, also percent-encoded.
    pub(super) user_id: Option<String>,
}

/// The user whom path and query name together.
///
/// # Errors
/// Path and query name two, or the query an empty one.
pub(super) fn user_id(path: String, query: Option<String>) -> Result<String, ApiError> {
    match query {
        None => Ok(path),
        Some(user) if path == IN_QUERY && !user.is_empty() => Ok(user),
        Some(_) => Err(ApiError::bad_request(
            "the query's user_id takes the place of the one in the path: write - there, and in the query an id that is not empty",
        )
        .about("user_id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_names_the_user_where_the_path_names_nobody() {
        let named = |path: &str, query: Option<&str>| {
            user_id(path.to_owned(), query.map(str::to_owned)).ok()
        };
        assert_eq!(named("ada", None).as_deref(), Some("ada"));
        assert_eq!(named("-", None).as_deref(), Some("-"));
        assert_eq!(named("-", Some("..")).as_deref(), Some(".."));
        assert_eq!(named("ada", Some("bob")), None);
        assert_eq!(named("-", Some("")), None);
    }
}
