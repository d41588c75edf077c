//! Each rule, as what is sent to the daemon (`>`) and printed for the client (`<`) after each event.

mod ends;

use super::*;
use crate::failure::Kind as Blame;

const INITIALIZE: &str = r#"{"id":0,"method":"initialize"}"#;
const INITIALIZE_ANSWER: &str =
    r#"{"id":0,"result":{"capabilities":{"prompts":{"listChanged":true},"resources":{}}}}"#;
const READY: &str = r#"{"method":"notifications/initialized"}"#;
const TOOLS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
const PROMPTS_CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}"#;
const RESOURCES_CHANGED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#;

fn shown(actions: Vec<Action>) -> Vec<String> {
    let text = |line: &Line| String::from_utf8_lossy(line).into_owned();
    let show = |action: &Action| match action {
        Action::Send(line) => format!("> {}", text(line)),
        Action::Print(line) => format!("< {}", text(line)),
    };
    actions.iter().map(show).collect()
}

fn sent(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| format!("> {line}")).collect()
}

fn printed(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| format!("< {line}")).collect()
}

fn request(id: &str, method: &str) -> String {
    format!(r#"{{"id":{id},"method":"{method}"}}"#)
}

fn answer(id: &str) -> String {
    format!(r#"{{"id":{id},"result":{{}}}}"#)
}

impl Session {
    fn client(&mut self, line: &str) -> Vec<String> {
        shown(self.line(line.as_bytes().into()))
    }

    fn daemon(&mut self, line: &str) -> Vec<String> {
        shown(self.received(line.as_bytes().into()))
    }

    fn open(&mut self) -> Vec<String> {
        shown(self.opened())
    }

    fn end(&mut self) -> Vec<String> {
        shown(self.ended())
    }

    /// A session on its first connection.
    fn begun() -> Session {
        let mut session = Session::default();
        assert_eq!(session.open(), [""; 0]);
        session
    }

    /// A session after its handshake.
    fn initialized() -> Session {
        let mut session = Session::begun();
        assert_eq!(session.client(INITIALIZE), sent(&[INITIALIZE]));
        assert_eq!(session.daemon(INITIALIZE_ANSWER), printed(&[INITIALIZE_ANSWER]));
        assert_eq!(session.client(READY), sent(&[READY]));
        session
    }

    /// Answers the repeated handshake.
    fn shake(&mut self) -> Vec<String> {
        assert_eq!(self.open(), sent(&[INITIALIZE]));
        self.daemon(INITIALIZE_ANSWER)
    }
}

#[test]
fn messages_pass_unchanged() {
    let mut session = Session::begun();
    for line in [
        "{ \"id\" : \"a\\u00e9\", \"method\":\"x\"}",
        "[{\"id\":1}]",
        "no JSON",
        "7",
        "{\"id\":null}",
    ] {
        assert_eq!(session.client(line), sent(&[line]));
    }
    let invalid = Session::begun().line(Line::from(&b"\xff\xfe"[..]));
    assert_eq!(invalid, [Action::Send(Line::from(&b"\xff\xfe"[..]))]);
    for line in [r#"{"method":"notifications/progress"}"#, r#"{"id":null,"error":{}}"#, "{broken"] {
        assert_eq!(session.daemon(line), printed(&[line]));
    }
    for control in ["# comment", "#taken x", "#later 7", ""] {
        assert_eq!(session.daemon(control), [""; 0]);
        assert!(session.is_open());
    }
}

#[test]
fn a_session_that_waits_for_nothing_starts_no_daemon() {
    let mut session = Session::default();
    assert!(!session.needs_daemon() && !session.expects_messages() && !session.awaits_answer());
    session = Session::initialized();
    assert!(!session.awaits_answer());
    assert_eq!(session.daemon("#taken 2"), [""; 0]);
    assert!(!session.is_open());
    assert_eq!(session.end(), [""; 0]);
    assert!(!session.needs_daemon() && session.expects_messages());
    assert_eq!(session.client(&request("1", "ping")), [""; 0]);
    assert!(session.needs_daemon());
}

#[test]
fn a_new_daemon_gets_the_handshake_and_what_belongs_to_it() {
    let mut session = Session::initialized();
    let state = [
        r#"{"id":1,"method":"logging/setLevel","params":{"level":"info"}}"#,
        r#"{"id":2,"method":"logging/setLevel","params":{"level":"debug"}}"#,
        r#"{"id":3,"method":"resources/subscribe","params":{"uri":"a"}}"#,
        r#"{"id":4,"method":"resources/subscribe","params":{"uri":"b"}}"#,
        r#"{"id":5,"method":"resources/unsubscribe","params":{"uri":"a"}}"#,
        r#"{"id":6,"method":"resources/subscribe","params":{"uri":"refused"}}"#,
    ];
    for (id, line) in (1..).zip(state) {
        assert_eq!(session.client(line), sent(&[line]));
        let answer = match id {
            6 => r#"{"id":6,"error":{}}"#.to_owned(),
            id => answer(&id.to_string()),
        };
        assert_eq!(session.daemon(&answer), printed(&[&answer]));
    }
    session.end();
    assert_eq!(session.open(), sent(&[INITIALIZE]));
    // Lines wait for the handshake.
    assert_eq!(session.client(&request("7", "ping")), [""; 0]);
    let [tools, prompts] = [TOOLS_CHANGED, PROMPTS_CHANGED].map(|line| format!("< {line}"));
    let mut expected = sent(&[READY, state[1], state[3]]);
    expected.extend([tools, prompts]);
    expected.extend(sent(&[&request("7", "ping")]));
    assert_eq!(session.daemon(INITIALIZE_ANSWER), expected);
    // Answers of what was repeated are not printed; those of others are.
    assert_eq!(session.daemon(&answer("2")), [""; 0]);
    assert_eq!(session.daemon(&answer("4")), [""; 0]);
    assert_eq!(session.daemon(&answer("7")), printed(&[&answer("7")]));
    // Each further connection begins the same way, and reports changes once.
    session.end();
    assert_eq!(
        session.shake().iter().filter(|line| line.contains("tools/list_changed")).count(),
        1
    );
}

#[test]
fn lists_are_reported_as_changed_where_the_daemon_has_declared_it() {
    let mut session = Session::begun();
    session.client(INITIALIZE);
    session.daemon(
        r#"{"id":0,"result":{"capabilities":{"resources":{"listChanged":true,"subscribe":true}}}}"#,
    );
    session.end();
    assert_eq!(session.shake(), printed(&[TOOLS_CHANGED, RESOURCES_CHANGED]));
}

#[test]
fn a_session_without_a_handshake_is_repeated_without_one() {
    let mut session = Session::begun();
    let listen = request(r#""l""#, "subscriptions/listen");
    session.client(&listen);
    assert!(!session.awaits_answer(), "its answer is no answer");
    assert_eq!(session.end(), [""; 0]);
    assert!(!session.needs_daemon() && session.expects_messages());
    assert_eq!(session.open(), sent(&[&listen]));
    assert_eq!(session.daemon(&answer(r#""l""#)), printed(&[&answer(r#""l""#)]));
    session.end();
    assert!(!session.expects_messages());
}
