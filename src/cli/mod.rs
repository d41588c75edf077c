//! The command lines: what was typed, what is done, what is printed, which exit status.

pub mod client;
pub mod control;
mod inputs;
