use std::time::Duration;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn names(names: &[&str]) -> std::vec::IntoIter<String> {
    names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().into_iter()
}

fn shown(metrics: &Metrics, plugin: &OfPlugin) -> Vec<(String, u64)> {
    let series = metrics.series("p", plugin).into_iter();
    series.map(|series| (series.command, series.totals.count())).collect()
}

#[test]
fn a_duration_counts_in_the_first_bucket_that_has_room_for_it() {
    let histogram = Histogram::default();
    let bucket = |nanos| {
        let before = histogram.read();
        histogram.observe(Duration::from_nanos(nanos));
        let after = histogram.read();
        (0..after.counts.len()).find(|at| after.counts[*at] > before.counts[*at]).unwrap()
    };
    for (nanos, expected) in [
        (0, 0),
        (500_000, 0),
        (500_001, 1),
        (1_000_000, 1),
        (60_000_000_000, 15),
        (60_000_000_001, 16),
    ] {
        assert_eq!(bucket(nanos), expected, "{nanos} ns");
    }
    let read = histogram.read();
    assert_eq!((read.count(), read.sum), (6, 120_002_000_002));
}

#[test]
fn outcomes_are_classes_of_statuses() {
    let counters = Counters::default();
    for status in [101, 200, 204, 307, 404, 422, 500, 503, 999, 0] {
        counters.count(Outcome::of_status(status), MS);
    }
    counters.count(Outcome::CANCELLED, MS);
    let totals = counters.read();
    let expected = [("1xx", 2), ("2xx", 2), ("3xx", 1), ("4xx", 2), ("5xx", 3), ("cancelled", 1)];
    assert_eq!(totals.by_outcome().collect::<Vec<_>>(), expected);
    assert_eq!((totals.count(), totals.errors(), totals.durations.count()), (11, 3, 11));
}

#[test]
fn a_new_version_goes_on_counting_and_drops_commands_that_are_gone() {
    let metrics = Metrics::default();
    let first = metrics.plugin("p", names(&["a", "b", "a"]));
    for command in [Some(0), Some(1), Some(2), None, Some(9)] {
        first.of(command).count(Outcome::of_status(200), MS);
    }
    let of = |name: &str, count| (name.to_owned(), count);
    assert_eq!(shown(&metrics, &first), [of("a", 2), of("b", 1), of("", 2)]);
    let second = metrics.plugin("p", names(&["c", "a"]));
    second.of(Some(1)).count(Outcome::of_status(500), MS);
    // The first version is still in use, and the sum counts what it ends.
    first.of(Some(0)).count(Outcome::CANCELLED, MS);
    assert_eq!(shown(&metrics, &second), [of("a", 4), of("", 2)]);
    assert_eq!((second.sum().count(), second.sum().errors()), (6, 1));
    drop((first, second));
    // No version is in use meanwhile, as when an exclusive plugin is loaded again.
    let third = metrics.plugin("p", names(&["a"]));
    assert_eq!(shown(&metrics, &third), [of("a", 4), of("", 2)]);
    let fourth = metrics.plugin("p", names(&["a", "b"]));
    assert_eq!(fourth.of(Some(1)).read().count(), 0, "no version had it when the third was loaded");
    metrics.keep_only(|name| name != "p");
    let again = metrics.plugin("p", names(&["a"]));
    assert_eq!(again.sum().count(), 0, "a plugin that was removed begins anew");
}

#[test]
fn commands_beyond_the_bound_are_counted_together_for_good() {
    let metrics = Metrics::default();
    let all: Vec<String> = (0..COMMANDS_MAX + 2).map(|number| format!("c{number:04}")).collect();
    let plugin = metrics.plugin("p", all.into_iter());
    let call = |index| plugin.of(Some(index)).count(Outcome::of_status(200), MS);
    (1..COMMANDS_MAX).for_each(call);
    assert_eq!(shown(&metrics, &plugin).len(), COMMANDS_MAX - 1);
    // The last two are first seen together, and only one has room.
    call(COMMANDS_MAX);
    call(COMMANDS_MAX + 1);
    let now = shown(&metrics, &plugin);
    assert_eq!((now.len(), now.last()), (COMMANDS_MAX + 1, Some(&(String::new(), 1))));
    // One that is called later, and one more call of the one without room.
    call(0);
    call(COMMANDS_MAX + 1);
    let now = shown(&metrics, &plugin);
    assert_eq!((now.len(), now.last()), (COMMANDS_MAX + 1, Some(&(String::new(), 3))));
    let sum: u64 = now.iter().map(|(_, count)| count).sum();
    assert_eq!(sum, plugin.sum().count());
}

#[test]
fn loads_are_counted_by_name() {
    let metrics = Metrics::default();
    metrics.loaded("p");
    metrics.loaded("p");
    metrics.failed("p");
    assert_eq!(metrics.loads("p"), Loads { served: 2, failed: 1 });
    assert_eq!(metrics.loads("q"), Loads::default());
}

#[test]
fn a_page_has_one_family_after_the_other_in_both_formats() {
    let counters = Counters::default();
    counters.count(Outcome::of_status(200), Duration::from_micros(700));
    counters.count(Outcome::of_status(404), Duration::from_secs(70));
    let page = || Page {
        version: "1".into(),
        series: vec![Series::new("a\"b", "c d", counters.read())],
        plugins: vec![PluginNow { name: "a\"b".into(), in_flight: 3, ..PluginNow::default() }],
        ..Page::default()
    };
    let text = page().text(Format::Text).unwrap();
    for line in [
        r#"skills_requests_total{plugin="a\"b",command="c d",status="2xx"} 1"#,
        r#"skills_requests_total{plugin="a\"b",command="c d",status="4xx"} 1"#,
        r#"skills_request_duration_seconds_bucket{plugin="a\"b",command="c d",le="0.0005"} 0"#,
        r#"skills_request_duration_seconds_bucket{plugin="a\"b",command="c d",le="0.001"} 1"#,
        r#"skills_request_duration_seconds_bucket{plugin="a\"b",command="c d",le="+Inf"} 2"#,
        r#"skills_request_duration_seconds_sum{plugin="a\"b",command="c d"} 70.0007"#,
        r#"skills_plugin_in_flight_requests{plugin="a\"b"} 3"#,
        "# TYPE skills_gil_wait_seconds histogram",
        "skills_gil_wait_seconds_count 0",
        r#"skills_package_changes_total{result="failed"} 0"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(!text.contains("# EOF"));
    assert!(page().text(Format::OpenMetrics).unwrap().ends_with("# EOF\n"));
}

#[test]
fn openmetrics_is_for_those_that_take_it() {
    let of_prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2";
    assert_eq!(Format::of(Some(of_prometheus)), Format::OpenMetrics);
    assert_eq!(Format::of(Some("*/*")), Format::Text);
    assert_eq!(Format::of(None), Format::Text);
}
