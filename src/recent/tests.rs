use super::*;

fn call(name: &str) -> Call {
    Call { face: Face::Http, plugin: "demo".into(), name: name.into(), request: "1".into() }
}

const OK: Outcome = Outcome::Status(200);

fn names(look: &Look) -> Vec<&str> {
    look.ended.iter().map(|ended| ended.call.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_reader_sees_what_is_new_to_it_in_order() {
    let recent = Arc::new(Recent::default());
    recent.ended(Instant::now(), Duration::ZERO, OK, || call("a"));
    let mut first = recent.reader();
    assert_eq!(names(&first.look()), ["a"], "kept without a reader");
    recent.ended(Instant::now(), Duration::from_micros(1234), OK, || call("b"));
    let mut second = recent.reader();
    assert_eq!((names(&first.look()), names(&second.look())), (vec!["b"], vec!["a", "b"]));
    assert_eq!(first.look(), Look::default());
    let all = recent.reader().look();
    assert_eq!((all.ended[1].number, all.ended[1].millis), (2, 1.23));
}

#[tokio::test(start_paused = true)]
async fn of_many_calls_some_are_kept_and_long_and_failed_ones_among_them() {
    let recent = Arc::new(Recent::default());
    let mut reader = recent.reader();
    for _ in 0..10_000 {
        recent.ended(Instant::now(), Duration::ZERO, OK, || call("short"));
    }
    recent.ended(Instant::now(), LONG, OK, || call("long"));
    recent.ended(Instant::now(), Duration::ZERO, Outcome::Status(500), || call("failed"));
    recent.ended(Instant::now(), Duration::ZERO, Outcome::Status(404), || call("short"));
    let look = reader.look();
    assert_eq!(look.ended.len(), SHORT as usize + 2);
    assert_eq!(names(&look)[SHORT as usize..], ["long", "failed"]);
    assert!(look.is_sample && !reader.look().is_sample);
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..10_000 {
            recent.ended(Instant::now(), LONG, OK, || call("long"));
        }
    }
    let look = reader.look();
    assert_eq!(look.ended.len(), KEPT, "the oldest make room");
    assert_eq!(look.ended.last().unwrap().number, u64::from(SHORT + 2 + 4 * NOTABLE));
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_are_listed_until_they_end() {
    let recent = Arc::new(Recent::default());
    assert!(!recent.is_read());
    let mut reader = recent.reader();
    let listed = recent.list(LONG, || call("a")).unwrap();
    let more: Vec<_> = (0..2 * LISTED).filter_map(|_| recent.list(LONG, || call("b"))).collect();
    assert_eq!(more.len(), LISTED - 1);
    let look = reader.look();
    assert!(look.is_sample && look.under_way.len() == LISTED);
    drop(more);
    let short = recent.list(Duration::ZERO, || call("short"));
    assert_eq!(reader.look().under_way.len(), 1, "it may end before it is seen");
    tokio::time::advance(LONG).await;
    assert_eq!(reader.look().under_way.len(), 2);
    drop(short);
    assert_eq!(reader.look().under_way[0].call, call("a"));
    drop(listed);
    assert_eq!(reader.look(), Look::default());
    drop(reader);
    assert!(!recent.is_read());
}

#[test]
fn names_are_cut_between_letters() {
    let long = call(&"é".repeat(NAME_MAX)).bounded();
    assert_eq!(long.name, format!("{}…", "é".repeat(NAME_MAX / 2)));
}

#[test]
fn an_ended_call_is_one_flat_record() {
    let recent = Arc::new(Recent::default());
    recent.ended(Instant::now(), LONG, Outcome::Cancelled, || call("GET /demo/x"));
    let mut look = recent.reader().look();
    look.ended[0].began = 7;
    assert_eq!(
        serde_json::to_value(&look.ended).unwrap(),
        serde_json::json!([{
            "number": 1, "face": "http", "plugin": "demo", "name": "GET /demo/x", "request": "1",
            "began": 7, "millis": 100.0, "outcome": "cancelled",
        }])
    );
    let status = serde_json::to_value(Outcome::Status(404)).unwrap();
    assert_eq!(status, serde_json::json!({"status": 404}));
}
