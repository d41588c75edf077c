//! The command lines: what was typed, what is done, what is printed, which exit status.

pub mod client;
mod completing;
pub mod control;
mod inputs;
