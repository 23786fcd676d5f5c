//! Requests that change something are carried out to their end, whoever hangs up.

use crate::private::refusal::Refusal;

/// Runs `work` on a task of its own: all that belongs to the deed, its line in the log included.
pub(super) async fn whole<T: Send + 'static>(
    what: &'static str,
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "{what} ended badly");
            Err(Refusal::internal(format!(
                "{what} ended badly; the log says how"
            )))
        }
    }
}
