//! What the bundled demo plugin answers, printed by the client, and the exit status.

use serde_json::json;

use crate::harness::Home;

#[test]
fn answers_are_printed_and_failures_have_a_status() {
    let home = Home::new();
    let size = home.client(&["demo", "size", "1234567"]);
    assert_eq!(size.ok().quietly().stdout(), "1.2 MB\n");
    let size = home.client(&["demo", "size", "1234567", "--binary", "--json"]);
    assert_eq!(size.ok().stdout(), "\"1.2 MiB\"\n");
}
