//! `kenwell dead-letters list|show|retry|discard`: in the files, also while a server runs, or by a server that is named.

use clap::Subcommand;

use super::dead_letter_options::{
    DeadLettersDiscard, DeadLettersList, DeadLettersRetry, DeadLettersShow, LetterChoice,
};
use super::exit::Failure;
use super::output::{self, printable};
use super::{confirm, dead_letter_files, dead_letter_server, dead_letter_text, help};

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// Print them, oldest first
    #[command(after_help = help::DEAD_LETTERS_LIST)]
    List(DeadLettersList),
    /// Print all that is known of one
    #[command(after_help = help::DEAD_LETTERS_SHOW)]
    Show(DeadLettersShow),
    /// Apply them to Redis again; those that are refused again stay
    #[command(after_help = help::DEAD_LETTERS_RETRY)]
    Retry(DeadLettersRetry),
    /// Drop them for good
    #[command(after_help = help::DEAD_LETTERS_DISCARD)]
    Discard(DeadLettersDiscard),
}

/// Prints the letters, oldest first, and how many there are.
pub(super) async fn list(arguments: &DeadLettersList) -> Result<(), Failure> {
    let place = &arguments.place;
    if place.server.names_one() {
        let server = place.server.find(&place.config)?;
        return dead_letter_server::list(arguments, &server).await;
    }
    dead_letter_files::list(arguments)
}

/// Prints one letter.
pub(super) async fn show(arguments: &DeadLettersShow) -> Result<(), Failure> {
    let place = &arguments.place;
    let found = if place.server.names_one() {
        let server = place.server.find(&place.config)?;
        dead_letter_server::find(arguments, &server).await?
    } else {
        dead_letter_files::find(arguments)?
    };
    let Some(letter) = found else {
        let id = printable(arguments.id.as_bytes());
        return Err(Failure::Absent(format!(
            "no letter \"{id}\": kenwell dead-letters list prints the ids; one that was refused again has another"
        )));
    };
    if place.json {
        return output::data(letter);
    }
    dead_letter_text::print_whole(&letter)
}

/// Applies letters again, in order, and says how many were written and how many stay.
pub(super) async fn retry(arguments: &DeadLettersRetry) -> Result<(), Failure> {
    let place = &arguments.place;
    let choice = LetterChoice::new(&arguments.ids, arguments.reason.as_deref())?;
    if place.server.names_one() {
        let server = place.server.find(&place.config)?;
        return dead_letter_server::retry(place, &choice, &server).await;
    }
    dead_letter_files::retry(place, &choice).await
}

/// Drops letters.
pub(super) async fn discard(arguments: &DeadLettersDiscard) -> Result<(), Failure> {
    let place = &arguments.place;
    let choice = LetterChoice::new(&arguments.ids, arguments.reason.as_deref())?;
    if !arguments.yes {
        confirm(place.destination.as_deref(), &choice)?;
    }
    if place.server.names_one() {
        let server = place.server.find(&place.config)?;
        return dead_letter_server::discard(place, &choice, &server).await;
    }
    dead_letter_files::discard(place, &choice)
}

/// Asks, on a terminal.
fn confirm(destination: Option<&str>, choice: &LetterChoice) -> Result<(), Failure> {
    let of = destination.map_or_else(|| "every destination".to_owned(), |id| format!("\"{id}\""));
    let which = match choice {
        LetterChoice::Ids(ids) => format!("{} letters of {of}", ids.len()),
        LetterChoice::Reason(reason) => format!("All letters of {of} with {reason}"),
        LetterChoice::All => format!("All letters of {of}"),
    };
    confirm::confirm(
        &format!("{which} are dropped, and their events are lost. Go on?"),
        format!(
            "error: {which} would be dropped, and their events are lost then\n  fix: say --yes"
        ),
    )
}
