//! Requests that change something are carried out to their end, though their client hangs up.

use crate::private::error::ApiError;

/// Runs `work` on a task of its own: all that belongs to the change, its line in the log included.
pub(super) async fn uninterrupted<T: Send + 'static>(
    what: &'static str,
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "{what} ended badly");
            Err(ApiError::internal(format!(
                "{what} ended badly; the log says how"
            )))
        }
    }
}
