//! The means of the tests: a temporary HOME, its programs and requests.
//!
//! - [`Home`]: the HOME, its plugins, its daemon; stops the daemon and prints its logs if the test failed.
//! - [`Output`]: exit status and output of a program.
//! - [`Running`]: a program that runs.
//! - [`Answer`]: of an HTTP request; [`Sent`]: one that is in flight.
//! - [`Socket`]: a WebSocket.
//! - [`Load`]: requests without a break.
//! - [`mcp`]: a client of the Model Context Protocol.
//! - [`SmallDisk`]: a file system that is soon full.
//! - `wheels`: tiny packages.
//! - [`shared`]: what all tests of a run share: `uv`, its cache, a runtime directory to copy.

mod disk;
mod home;
mod http;
mod load;
pub(crate) mod mcp;
mod process;
pub(crate) mod shared;
pub(crate) mod socket;
mod terminal;
mod wheels;

use std::thread;
use std::time::{Duration, Instant};

pub(crate) use disk::SmallDisk;
pub(crate) use home::Home;
pub(crate) use http::{Answer, Kept, Sent};
pub(crate) use load::Load;
pub(crate) use process::{Output, Running, freeze};
pub(crate) use socket::Socket;

/// Deadline against hanging, long enough for a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// The same for a program that runs a whole suite of tests.
const SUITE_LIMIT: Duration = Duration::from_secs(900);

/// The two programs that a user calls.
pub(crate) const CLIENT: &str = env!("CARGO_BIN_EXE_skills-client");
pub(crate) const CONTROL: &str = env!("CARGO_BIN_EXE_skills-daemon");

/// Polls `look` and returns its first result; for conditions without an event.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The code of a plugin `name` with `routes` on its `router`.
pub(crate) fn plugin_code(name: &str, routes: &str) -> String {
    format!(
        "import fastapi\nrouter = fastapi.APIRouter()\n{routes}\n\
         class ThePlugin:\n    name = '{name}'\n    router = router\n"
    )
}
