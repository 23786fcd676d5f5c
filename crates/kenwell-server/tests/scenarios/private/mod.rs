//! The private plane: who gets in, what the API answers, what it never says.

mod description;
mod door;
mod events;
mod letters;
mod named;
mod objects;
mod secrets;
mod settings;
mod sign_in;
mod stored;
mod support;
