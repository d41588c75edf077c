//! The way of a request, and the daemon's own endpoints.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::{poll, stream};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::pin;

use super::Daemon;
use crate::runtime::fake::{Act, Answers, Gate, Script};

#[tokio::test(start_paused = true)]
async fn a_request_reaches_its_plugin_and_its_body_too() {
    let daemon = Daemon::settled(&[("jira", Script::of("jira"), "{}")]).await;
    assert_eq!(
        daemon.get("/jira/x?q=1").await,
        (StatusCode::OK, json!({"by": "jira 1", "size": 0, "request": "GET /jira/x?q=1"}))
    );
    let pieces = (0..40).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 64 << 10])));
    let body = Body::from_stream(stream::iter(pieces));
    let (_, answer) = super::answer(daemon.send("POST", "/jira/x", body).await).await;
    assert_eq!(answer["size"], json!(40 * (64 << 10)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_streams() {
    let gate = Gate::default();
    let script = Script { answers: Answers::Streams(gate.clone()), ..Script::of("jira") };
    let daemon = Daemon::settled(&[("jira", script, "{}")]).await;
    let mut body = daemon.send("GET", "/jira/x", Body::empty()).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    gate.open();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "two");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_plugin_that_loads_waits_for_it_and_no_other_does() {
    let gate = Gate::default();
    let slow = Script { load: Act::Hangs(gate.clone()), ..Script::of("slow") };
    let named = r#"{"name": "slow"}"#;
    let daemon = Daemon::of(&[("slow", slow, named), ("fast", Script::of("fast"), "{}")]).await;
    let waiting = daemon.version("slow");
    pin!(waiting);
    assert_eq!(daemon.version("fast").await, "fast 1");
    assert!(poll!(&mut waiting).is_pending());
    gate.open();
    assert_eq!(waiting.await, "slow 1");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_plugin_that_failed_or_does_not_exist_says_why() {
    let broken = Script { load: Act::Fails("line 1: SyntaxError"), ..Script::of("broken") };
    let daemon = Daemon::settled(&[
        ("broken", broken, r#"{"name": "broken"}"#),
        ("jira", Script::of("jira"), "{}"),
    ])
    .await;
    let (status, body) = daemon.get("/broken/x").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["error"], json!("broken does not serve: line 1: SyntaxError"));
    assert_eq!(body["hint"], json!("correct it"));
    let (status, body) = daemon.get("/jria/x").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["hint"], json!("Did you mean 'jira'?"));
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_dies_in_the_middle_of_a_call_costs_that_call_and_those_after_it() {
    let dies = Script { answers: Answers::Dies, ..Script::of("dies") };
    let half = Script { answers: Answers::DiesHalfway, ..Script::of("half") };
    let daemon = Daemon::settled(&[("dies", dies, "{}"), ("half", half, "{}")]).await;
    let (status, body) = daemon.get("/dies/x").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["error"], json!("dies: the plugin gave no whole answer"));
    let (status, body) = daemon.get("/dies/x").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["error"], json!("the plugin's thread has ended"));
    let response = daemon.send("GET", "/half/x", Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err(), "the connection is cut");
    // A reload makes it whole again.
    daemon.python.script("dies", Script::of("dies"));
    daemon.post("/reload-plugins?plugin=dies").await;
    assert_eq!(daemon.version("dies").await, "dies 2");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_keeps_nothing_else_waiting() {
    let never = Script { answers: Answers::Hangs(Gate::default()), ..Script::of("never") };
    let daemon =
        Daemon::settled(&[("never", never, "{}"), ("jira", Script::of("jira"), "{}")]).await;
    let called = daemon.get("/never/x");
    pin!(called);
    assert!(poll!(&mut called).is_pending());
    daemon.python.noted("call never 1").await;
    assert_eq!(daemon.version("jira").await, "jira 1");
    let (_, status) = daemon.get("/-/status").await;
    assert_eq!(status["in_flight"], json!(1));
    daemon.get("/health").await;
}

#[tokio::test(start_paused = true)]
async fn health_never_waits_and_plugins_waits_until_all_are_settled() {
    let (load, check) = (Gate::default(), Gate::default());
    let slow = Script { load: Act::Hangs(load.clone()), ..Script::of("slow") };
    let ill = Script { health: Act::Hangs(check.clone()), ..Script::of("ill") };
    let broken = Script { load: Act::Fails("no"), ..Script::of("broken") };
    let daemon =
        Daemon::of(&[("slow", slow, "{}"), ("ill", ill, "{}"), ("broken", broken, "{}")]).await;
    daemon.python.noted("start ill 1").await;
    let plugins = daemon.get("/plugins");
    pin!(plugins);
    assert!(poll!(&mut plugins).is_pending());
    assert_eq!(daemon.version("ill").await, "ill 1");
    let (status, health) = daemon.get("/health").await;
    assert_eq!((status, &health["plugins"]), (StatusCode::OK, &json!(["ill"])));
    let about = &health["plugin_health"];
    assert_eq!(about["slow"], json!({"status": "loading", "stage": "importing"}));
    assert_eq!(about["ill"], json!({"status": "checking"}));
    assert_eq!(about["broken"], json!({"status": "failed", "error": "broken does not serve: no"}));
    assert!(poll!(&mut plugins).is_pending());
    load.open();
    let (_, plugins) = plugins.await;
    let names = plugins["plugins"].as_array().unwrap().iter().map(|it| it["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), [json!("slow"), json!("ill")]);
    assert_eq!(plugins["failed"][0]["name"], json!("broken"));
    assert_eq!(plugins["plugins"][1]["endpoints"][0]["path"], json!("/ill/ok"));
    check.open();
    daemon.python.noted("health ill 1").await;
    tokio::task::yield_now().await;
    let (_, health) = daemon.get("/health").await;
    assert_eq!(health["plugin_health"]["ill"], json!({"status": "ok", "by": "ill 1"}));
}

#[tokio::test(start_paused = true)]
async fn the_pages_of_the_daemon_are_served_beside_the_plugins() {
    let daemon = Daemon::settled(&[("jira", Script::of("jira"), "{}")]).await;
    let (_, status) = daemon.get("/-/status").await;
    assert_eq!(status["plugins"][0]["state"], json!("ready"));
    assert_eq!(status["plugins"][0]["commands"], json!(1));
    let (_, help) = daemon.get("/jira/help?command=ok").await;
    assert_eq!(help["usage"], json!("jira ok"));
    let (_, commands) = daemon.get("/jira/commands").await;
    assert_eq!(commands.as_array().map(Vec::len), Some(1));
    let (_, document) = daemon.get("/jira/openapi.json").await;
    assert!(document["paths"]["/jira/ok"].is_object());
    let (_, document) = daemon.get("/openapi.json").await;
    assert!(document["paths"]["/jira/ok"].is_object() && document["paths"]["/health"].is_object());
    let refused = daemon.send("DELETE", "/health", Body::empty()).await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}
