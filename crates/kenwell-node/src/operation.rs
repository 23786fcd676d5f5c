//! What JavaScript asks for, and what becomes of it.

use std::mem;

use futures_util::future::join_all;
use kenwell::connection::Connection;
use kenwell::state::Error;
use kenwell::state::values::{self, Answer, Append, Presence, Request, Touch};

/// One thing that is asked for.
pub(crate) enum Operation {
    /// About values: many of these share a pipeline.
    Values(Request),
    /// Anything else.
    Alone(Question),
}

/// What is asked about something else than whole values.
pub(crate) enum Question {
    /// Whether there were any of these, which live on.
    Touch(Vec<Touch>),
    /// Whether there are any of these.
    Exist(Vec<Vec<u8>>),
    /// What lies at these keys.
    Inspect(Vec<Vec<u8>>),
    /// To add to a list.
    Append {
        /// What is added, the oldest first.
        items: Vec<Vec<u8>>,
        /// The list's key.
        key: Vec<u8>,
        /// How many items stay.
        size: usize,
        /// How long it lives.
        ttl_seconds: Option<u64>,
    },
    /// The head of a list.
    Items {
        /// The list's key.
        key: Vec<u8>,
        /// How many items at most.
        size: usize,
    },
}

/// What became of an operation.
pub(crate) enum Outcome {
    /// Of one about values.
    Values(Answer),
    /// Yes or no.
    Flag(bool),
    /// It was done.
    Done,
    /// What lies at each key.
    Presences(Vec<Option<Presence>>),
    /// The items of a list.
    Items(Vec<Vec<u8>>),
}

/// Operations that are executed together.
enum Run {
    Values(Vec<Request>),
    Alone(Question),
}

/// Executes operations, and gives one result for each, in their order. All of them begin at once, in their order.
pub(crate) async fn execute(
    connection: &Connection,
    operations: Vec<Operation>,
) -> Vec<Result<Outcome, Error>> {
    let runs = runs_of(operations).into_iter();
    // Each begins when it is polled first, and that happens in their order.
    let results = join_all(runs.map(|run| run.execute(connection))).await;
    results.into_iter().flatten().collect()
}

fn runs_of(operations: Vec<Operation>) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut requests = Vec::new();
    for operation in operations {
        match operation {
            Operation::Values(request) => requests.push(request),
            Operation::Alone(question) => {
                if !requests.is_empty() {
                    runs.push(Run::Values(mem::take(&mut requests)));
                }
                runs.push(Run::Alone(question));
            }
        }
    }
    if !requests.is_empty() {
        runs.push(Run::Values(requests));
    }
    runs
}

impl Run {
    async fn execute(self, connection: &Connection) -> Vec<Result<Outcome, Error>> {
        match self {
            Self::Values(requests) => {
                let mut outcomes = Vec::with_capacity(requests.len());
                for answer in values::execute(connection, &requests).await {
                    outcomes.push(answer.map(Outcome::Values));
                }
                outcomes
            }
            Self::Alone(question) => vec![question.ask(connection).await],
        }
    }
}

impl Question {
    async fn ask(self, connection: &Connection) -> Result<Outcome, Error> {
        match self {
            Self::Touch(touches) => {
                let found = values::touch(connection, &touches).await?;
                Ok(Outcome::Flag(found))
            }
            Self::Exist(keys) => Ok(Outcome::Flag(values::exist(connection, &keys).await?)),
            Self::Inspect(keys) => {
                let found = values::inspect(connection, &keys).await?;
                Ok(Outcome::Presences(found))
            }
            Self::Append {
                items,
                key,
                size,
                ttl_seconds,
            } => {
                let items: Vec<&[u8]> = items.iter().map(|item| &item[..]).collect();
                let append = Append {
                    key: &key,
                    items: &items,
                    size,
                    ttl_seconds,
                };
                values::append(connection, &append).await?;
                Ok(Outcome::Done)
            }
            Self::Items { key, size } => {
                let items = values::items(connection, &key, size).await?;
                Ok(Outcome::Items(items))
            }
        }
    }
}
