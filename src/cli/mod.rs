//! The command lines of the programs: parsing, dispatch, output, exit status.

pub mod client;
mod completing;
pub mod control;
mod inputs;
