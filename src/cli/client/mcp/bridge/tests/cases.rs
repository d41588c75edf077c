//! Restarts, ends and crashes of the daemon in the middle of a session.

use super::*;

#[test]
fn a_session_outlives_a_restart() {
    let (mut stage, daemon) = Stage::begin();
    let mut old = daemon.session();
    assert!(old.head.starts_with("POST /-/mcp?plugin=ji%20ra&tools=a%2Cb HTTP/1.1\r\n"));
    assert!(
        old.head.contains("\r\ntransfer-encoding: chunked\r\n") && !old.head.contains("expect")
    );
    stage.shake(&mut old);
    stage.send(&request(1, "tools/call"));
    stage.send(&request(2, "tools/call"));
    old.gets(&request(1, "tools/call"));
    old.gets(&request(2, "tools/call"));
    old.say("#taken 3");
    old.say(&answer(1));
    stage.prints(&answer(1));
    old.finish();
    let mut new = daemon.session();
    new.gets(INITIALIZE);
    new.say(&answer(0));
    new.gets(INITIALIZED);
    stage.prints(CHANGED);
    new.gets(&request(2, "tools/call"));
    new.say(&answer(2));
    stage.prints(&answer(2));
    stage.end(new);
}

#[test]
fn a_silent_session_goes_on_with_a_successor_at_once() {
    let (mut stage, daemon) = Stage::begin();
    let mut old = daemon.session();
    stage.shake(&mut old);
    // The shortest connection after which it does.
    thread::sleep(LASTING);
    old.say("#taken 2");
    old.finish();
    let mut new = daemon.session();
    new.gets(INITIALIZE);
    new.say(&answer(0));
    stage.prints(CHANGED);
    new.gets(INITIALIZED);
    stage.end(new);
}

#[test]
fn a_silent_session_wakes_no_daemon_and_the_next_line_does() {
    let (mut stage, daemon) = Stage::begin();
    let mut old = daemon.session();
    stage.shake(&mut old);
    drop(daemon);
    old.say("#taken 2");
    old.finish();
    // No daemon can be started here: the request fails, and the session does not.
    stage.send(&request(1, "tools/call"));
    let failed = stage.stdout.recv_timeout(PATIENCE).unwrap();
    assert!(failed.contains(r#""id":1,"error":{"code":-32603,"message":""#), "{failed}");
    let daemon = Listening::at(&stage.paths);
    stage.send(&request(2, "tools/call"));
    let mut new = daemon.session();
    new.gets(INITIALIZE);
    new.say(&answer(0));
    new.gets(INITIALIZED);
    new.gets(&request(2, "tools/call"));
    stage.prints(CHANGED);
    stage.end(new);
}

#[test]
fn a_crash_in_a_call_is_reported_to_the_model_and_other_requests_are_repeated() {
    let (mut stage, daemon) = Stage::begin();
    let mut old = daemon.session();
    for line in [request(1, "tools/call"), request(2, "tools/list")] {
        stage.send(&line);
        old.gets(&line);
    }
    // Cut off in the middle of a line.
    old.write("8\r\n{\"id\":1,");
    drop(old);
    let unknown = stage.stdout.recv_timeout(PATIENCE).unwrap();
    assert!(unknown.contains(r#""id":1,"result":"#) && unknown.contains("not known"), "{unknown}");
    let mut new = daemon.session();
    new.gets(&request(2, "tools/list"));
    new.say(&answer(2));
    stage.prints(&answer(2));
    stage.end(new);
}

#[test]
fn daemons_that_end_without_progress_are_not_tried_for_ever() {
    let (mut stage, daemon) = Stage::begin();
    let mut first = daemon.session();
    stage.send(&request(1, "tools/list"));
    first.gets(&request(1, "tools/list"));
    drop(first);
    for _ in 1..FRUITLESS_MAX {
        daemon.session().gets(&request(1, "tools/list"));
    }
    let failed = stage.stdout.recv_timeout(PATIENCE).unwrap();
    assert!(failed.contains(r#""id":1,"error":"#) && failed.contains("went away"), "{failed}");
    stage.send(&request(2, "ping"));
    let mut last = daemon.session();
    last.gets(&request(2, "ping"));
    last.say(&answer(2));
    stage.prints(&answer(2));
    stage.end(last);
}

#[test]
fn what_is_open_at_the_end_of_stdin_is_answered_by_the_next_daemon() {
    let (mut stage, daemon) = Stage::begin();
    let mut old = daemon.session();
    stage.send(&request(1, "tools/list"));
    stage.stdin.shutdown(Shutdown::Write).unwrap();
    old.gets(&request(1, "tools/list"));
    assert_eq!(old.line(), None);
    drop(old);
    let mut new = daemon.session();
    new.gets(&request(1, "tools/list"));
    assert_eq!(new.line(), None);
    new.say(&answer(1));
    new.finish();
    stage.prints(&answer(1));
    stage.outcome.join().unwrap().unwrap();
}

#[test]
fn a_refused_session_is_a_failure_only_if_it_is_the_first() {
    let refuse = |mut peer: Peer| {
        let body = serde_json::to_string(&Failure::new(Kind::NotFound, "no such plugin")).unwrap();
        let length = body.len();
        peer.write(&format!("HTTP/1.1 404 Not Found\r\ncontent-length: {length}\r\n\r\n{body}"));
    };
    let (stage, daemon) = Stage::begin();
    refuse(daemon.requested());
    let failure = stage.outcome.join().unwrap().unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound);

    let (mut stage, daemon) = Stage::begin();
    drop(daemon.session());
    stage.send(&request(1, "ping"));
    refuse(daemon.requested());
    let failed = stage.stdout.recv_timeout(PATIENCE).unwrap();
    assert!(failed.contains(r#""message":"no such plugin""#), "{failed}");
    stage.send(&request(2, "ping"));
    let mut peer = daemon.session();
    peer.gets(&request(2, "ping"));
    peer.say(&answer(2));
    stage.prints(&answer(2));
    stage.end(peer);
}

#[test]
fn silence_of_both_ends_is_no_failure() {
    let (stage, daemon) = Stage::begin();
    let peer = daemon.session();
    // Longer than any timeout of the sockets.
    thread::sleep(TICK + TICK / 2);
    assert!(!stage.outcome.is_finished());
    stage.end(peer);
}
