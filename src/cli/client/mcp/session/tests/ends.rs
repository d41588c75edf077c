//! What becomes of open requests when a daemon ends, and of those that are cancelled.

use super::*;

#[test]
fn what_a_daemon_that_leaves_has_not_taken_goes_to_the_next() {
    let mut session = Session::initialized();
    let lines = [
        request("1", "tools/call"),
        r#"{"method":"notifications/x"}"#.to_owned(),
        request("2", "tools/call"),
        r#"{"method":"notifications/y"}"#.to_owned(),
        "no JSON".to_owned(),
    ];
    for line in &lines {
        session.client(line);
    }
    // Two lines of the handshake, a call and a notification.
    assert_eq!(session.daemon("#taken 4"), [""; 0]);
    let later = request("3", "ping");
    assert_eq!(session.client(&later), [""; 0]);
    assert_eq!(session.daemon(&answer("1")), printed(&[&answer("1")]));
    assert!(session.has_progressed());
    assert_eq!(session.end(), [""; 0], "the second call was not begun");
    assert!(session.needs_daemon());
    let again = session.shake();
    assert_eq!(again[3..], sent(&[&lines[2], &lines[3], &lines[4], &later]));
    assert!(session.awaits_answer() && !session.has_progressed());
    // Lines are counted per connection, repeated ones too.
    assert_eq!(session.daemon("#taken 3"), [""; 0]);
    assert!(session.has_progressed());
    assert_eq!(session.end()[0], format!("< {}", unknown("2")));
    assert_eq!(session.shake()[3..], sent(&[&lines[3], &lines[4], &later]));
}

/// The answer to a call whose outcome is not known.
fn unknown(id: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"the daemon ended during the call; whether it took effect is not known. Check before calling again."}}],"isError":true}}}}"#
    )
}

#[test]
fn a_handshake_that_was_not_taken_is_no_repetition() {
    let mut session = Session::begun();
    session.client(INITIALIZE);
    session.daemon("#taken 0");
    assert!(!session.has_progressed());
    session.end();
    assert_eq!(session.open(), sent(&[INITIALIZE]));
    assert_eq!(session.daemon(INITIALIZE_ANSWER), printed(&[INITIALIZE_ANSWER]));
    session.client(READY);
    session.daemon("#taken 1");
    session.end();
    // Once, although it belongs to the handshake.
    let again = session.shake();
    assert_eq!(again.iter().filter(|line| line.contains("initialized")).count(), 1);
    // Without an answer it is a pending request as any other.
    let mut session = Session::begun();
    session.client(INITIALIZE);
    session.end();
    assert_eq!(session.open(), sent(&[INITIALIZE]));
    assert_eq!(session.daemon(INITIALIZE_ANSWER), printed(&[INITIALIZE_ANSWER]));
}

#[test]
fn after_a_lost_daemon_requests_are_repeated_except_for_calls_and_notifications() {
    let mut session = Session::initialized();
    let stateless = r#"{"id":"s","method":"tools/call","params":{"name":"x","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let (call, list, read) =
        (request("1", "tools/call"), request("2", "tools/list"), request("3", "resources/read"));
    for line in [&call, &list, &read, r#"{"method":"notifications/x"}"#, stateless] {
        session.client(line);
    }
    session.daemon(&answer("2"));
    let complete =
        unknown(r#""s""#).replace(r#""isError":true"#, r#""isError":true,"resultType":"complete""#);
    assert_eq!(session.end(), printed(&[&unknown("1"), &complete]));
    for line in [unknown("1"), complete] {
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
    assert_eq!(session.shake()[3..], sent(&[&read]));
}

#[test]
fn a_cancelled_request_is_forgotten() {
    let cancel = |id: &str| format!(r#"{{"method":"{CANCELLED}","params":{{"requestId":{id}}}}}"#);
    let mut session = Session::begun();
    session.client(&request("1", "tools/list"));
    session.client(&request("2", "tools/call"));
    assert_eq!(session.client(&cancel("1")), sent(&[&cancel("1")]));
    assert_eq!(session.client(&cancel("2")), sent(&[&cancel("2")]));
    assert!(!session.awaits_answer());
    assert_eq!(session.end(), [""; 0]);
    assert!(!session.needs_daemon());
    // One that has not been sent never is, and starts no daemon.
    session.client(&request("3", "tools/call"));
    assert_eq!(session.client(&cancel("3")), [""; 0]);
    assert_eq!(session.client(&cancel("9")), [""; 0]);
    assert!(!session.needs_daemon());
    // Neither is one that the daemon has not taken.
    let mut session = Session::begun();
    session.client(&request("1", "tools/call"));
    session.client(&cancel("1"));
    session.daemon("#taken 0");
    session.end();
    assert!(!session.needs_daemon());
    // One that a daemon that leaves still answers is not repeated.
    let mut session = Session::begun();
    session.client(&request("1", "tools/list"));
    session.daemon("#taken 1");
    session.client(&cancel("1"));
    session.end();
    assert!(!session.needs_daemon());
}

#[test]
fn requests_of_the_daemon_end_with_its_connection() {
    let asked = r#"{"id":"e1","method":"elicitation/create"}"#;
    let mut session = Session::begun();
    assert_eq!(session.daemon(asked), printed(&[asked]));
    assert_eq!(session.client(&answer(r#""e1""#)), sent(&[&answer(r#""e1""#)]));
    assert_eq!(session.client(&answer(r#""e1""#)), [""; 0], "it was answered");
    session.daemon(asked);
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"e1","reason":"the daemon has ended"}}"#;
    assert_eq!(session.end(), printed(&[cancelled]));
    assert_eq!(session.client(&answer(r#""e1""#)), [""; 0]);
    assert!(!session.needs_daemon(), "it starts no daemon");
    session.open();
    assert_eq!(session.client(&answer(r#""e1""#)), [""; 0]);
    // One that the daemon has cancelled needs no response.
    session.daemon(asked);
    session.daemon(cancelled);
    assert_eq!(session.end(), [""; 0]);
    // A response that was not taken is for no other daemon.
    session.open();
    session.daemon(asked);
    session.client(&answer(r#""e1""#));
    session.daemon("#taken 0");
    session.end();
    assert!(!session.needs_daemon());
}

#[test]
fn without_a_daemon_requests_fail_and_the_session_goes_on() {
    let mut session = Session::initialized();
    session.client(&request("1", "tools/list"));
    session.end();
    for line in [&request(r#""2""#, "tools/call"), r#"{"method":"notifications/x"}"#, "[]"] {
        session.client(line);
    }
    let failure = Failure::new(Blame::Environment, "no `uv`").hint("Install it.");
    let error = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no `uv`. Install it."}}}}"#
        )
    };
    let answers = [error("1"), error(r#""2""#), error("null")];
    assert_eq!(shown(session.failed(&failure)), answers.map(|line| format!("< {line}")));
    assert!(!session.needs_daemon());
    session.client(&request("3", "ping"));
    assert_eq!(session.shake()[3..], sent(&[&request("3", "ping")]));
}

#[test]
fn lines_are_kept_only_until_they_are_known_to_be_taken() {
    let mut session = Session::begun();
    for id in 0..100 {
        session.client(r#"{"method":"notifications/x"}"#);
        session.client(&request(&id.to_string(), "ping"));
        assert_eq!(session.log.len(), 2);
        session.daemon(&answer(&id.to_string()));
        assert!(session.log.is_empty() && session.pending.is_empty());
    }
}
