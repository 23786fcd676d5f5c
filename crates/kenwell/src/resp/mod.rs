//! The language that Redis speaks: commands, encoded as they are made, and the values that it answers with.

mod argument;
mod command;
mod encode;
mod pipeline;
mod value;

pub(crate) use argument::Argument;
pub(crate) use command::Command;
pub(crate) use encode::{push_argument, push_number};
pub(crate) use pipeline::Pipeline;
pub(crate) use value::Value;
