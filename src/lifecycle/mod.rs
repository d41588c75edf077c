//! The host process from outside: finding, starting and stopping it. Independent of Python and of HTTP routes.
//!
//! # The daemon's whole life
//!
//! 1. A client connects to `daemon.sock`. If that works, nothing below happens. Only a file that is missing, or
//!    one on which no process listens, means that none runs; any other error is reported, and changes nothing.
//! 2. Otherwise it takes `start.lock`, which is held while the daemon is started or stopped (waiting for it blocks
//!    in the kernel, without polling), and tries again, because another may have started the daemon meanwhile.
//! 3. It starts the host with a pipe as stdout and reads [`crate::wire::Startup`] lines from it until `ready`,
//!    `failed`, or the end of the pipe, which is the host's death; a host that is silent hangs and is killed. A
//!    failure is also written to `start-failure.json` for the clients that waited, so that twenty of them do not
//!    fail one after the other.
//! 4. The host takes `daemon.lock` first and keeps it for life. The kernel releases it at the very end of the
//!    process, so waiting for that lock is waiting for the end, and it reports the holder, so `daemon.pid` is
//!    only informative. Both are record locks of `fcntl`: children that a plugin forks do not inherit them.
//! 5. It listens, removes its predecessor's socket file, writes `daemon.pid`, reports `ready`.
//! 6. On SIGTERM, SIGINT, `/shutdown` or after the idle time it stops listening, finishes the in-flight
//!    requests, runs the plugins' `shutdown()`, removes socket and pid file, and ends.
//! 7. A daemon that hangs answers no ping ([`alive`]): each program that waits for it reports that and ends. `stop` and
//!    `restart` send SIGTERM, have a stopped process go on, and soon send SIGKILL.
//! 8. After `kill -9` socket and pid file are left behind: connecting fails, so point 2 follows.

pub mod alive;
pub mod connection;
pub mod cut;
pub mod handover;
pub mod launch;
pub mod locks;
pub mod response;
pub mod start;
pub mod stop;
mod stream;

pub use alive::connect;
pub use connection::{Connection, Request};
pub use response::{ExchangeError, Response};
pub use start::ensure_running;
