//! The host process from outside: finding, starting and stopping it. Independent of Python and of HTTP routes.
//!
//! # The daemon's whole life
//!
//! 1. A client connects to `daemon.sock`. If that works, nothing below happens. Only a file that is missing, or
//!    one on which no process listens, means that none runs; any other error is reported, and changes nothing.
//! 2. Otherwise it takes `start.lock`, which is held while the daemon is started or stopped ([`start_lock`]: the kernel
//!    wakes those that wait, which give up on a holder that does not run), and tries again, because another may have
//!    started the daemon meanwhile.
//! 3. It starts the host with a pipe as stdout and reads [`crate::wire::Startup`] lines from it until `ready`,
//!    `failed`, or the end of the pipe, which is the host's death; a host that is silent hangs and is killed. A
//!    failure is also written to `start-failure.json` for the clients that waited, so that twenty of them do not
//!    fail one after the other.
//! 4. The host first locks a byte of its own in `daemon.lock`, and then the byte of the serving role ([`locks`]). The
//!    kernel releases both at the very end of the process, so waiting for them is waiting for the end, and it reports
//!    the holder, so `daemon.pid` is only informative. They are record locks of `fcntl`: children that a plugin forks
//!    do not inherit them.
//! 5. It listens, removes its predecessor's socket files, writes `daemon.pid`, reports `ready`.
//! 6. On SIGTERM, SIGINT, the end of its terminal (SIGHUP), `/shutdown` or after the idle time it stops listening, finishes the in-flight
//!    requests, runs the plugins' `shutdown()`, removes sockets and pid file, and ends. `stop` asks for it over
//!    `handover.sock`, and gets a report of what was cut off ([`cut`]).
//! 7. At a restart the old host hands its sockets over ([`handover`]): the new one loads its plugins while the old one
//!    serves, takes the serving role, and then reports `ready`; the old one finishes its requests and ends. If the
//!    new one does not come up, the old one goes on. A host that cannot hand over is stopped first.
//! 8. A daemon that hangs answers no ping ([`alive`]). What it does decides how long it is waited for ([`hang`]); then
//!    the control program reports it, and a client replaces it once ([`replace`]). `stop`, `restart` and a replacement
//!    send SIGTERM, have a stopped process go on, and soon send SIGKILL. One that is stopped while it drains is
//!    continued once; stopped again it is killed.
//! 9. Where a service of the daemon is installed, its manager starts it ([`managed`]): points 2 to 4 with a service
//!    manager in place of the pipe. `start.lock` is held by the program that asks the manager, not by the host. systemd
//!    listens on `daemon.sock`, also while no host runs, so a connection alone starts the daemon; a program that only asks
//!    looks at the lock first. While it starts, the host has a byte of `daemon.lock` that keeps clients from taking it for
//!    one that hangs. `restart` has the manager restart it; connections wait in the socket meanwhile. `stop` and a
//!    replacement end it as in points 6 and 8, and then have the manager leave it stopped or start it.
//! 10. After `kill -9` sockets and pid file are left behind: connecting fails, so point 2 follows.

pub mod abandoned;
pub mod alive;
mod body;
pub mod connection;
pub mod cut;
pub mod handover;
pub mod hang;
pub mod launch;
pub mod locks;
pub mod managed;
pub mod replace;
mod request;
pub mod response;
pub mod sandbox;
pub mod start;
pub mod start_failure;
pub mod start_lock;
pub mod stop;
mod stream;
pub mod tcp;
mod upstream;

pub use alive::connect;
pub use body::Sink;
pub use connection::Connection;
pub use request::{Following, Request};
pub use response::{ExchangeError, Response};
pub use start::ensure_running;
pub use upstream::Upstream;
