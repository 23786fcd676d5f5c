//! The language that Redis speaks: commands, encoded as they are made, and the values that it answers with.

mod argument;
mod arguments;
mod command;
mod pipeline;
mod value;

pub(crate) use argument::Argument;
pub(crate) use arguments::{
    Arguments, enclose, length_bytes, push_argument, push_length, push_number,
};
pub(crate) use command::Command;
pub(crate) use pipeline::Pipeline;
pub(crate) use value::Value;
