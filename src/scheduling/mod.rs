//! Scheduling as plain data: when a thread runs a call, and when a finished answer is sent.
//!
//! - [`pool`]: when the pool for `def` handlers starts, wakes and ends its threads.
//! - [`bell`]: when a thread that sleeps is woken for calls.
//! - [`hold`]: which finished answers may wait for the end of a batch, and for how long.
//!
//! No threads, clocks, locks or Python here: what happens comes in as a method call, time as a parameter, and what
//! is to be done goes out as a value that the host carries out under its own lock. So the tests go through all
//! states and all orders of events, which no test with real threads can.

pub mod bell;
pub mod hold;
pub mod pool;
