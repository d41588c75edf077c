//! A command line, words separated by NUL: its call, and the same call as a request over HTTP.

#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use skills_daemon::arguments::{self, Line};
use skills_daemon::description::{Description, Style};
use skills_daemon::exchange::request::{Addressed, Composed, Request};
use skills_daemon::routes::bind::bind;
use skills_daemon::routes::request::RequestValues;
use skills_daemon::routes::{Argument, Table};
use skills_daemon::tools;
use skills_daemon::wire::Input;
use skills_daemon_fuzz::{PLUGIN, check_bound, description};

static ROUTERS: LazyLock<(Description, Table)> = LazyLock::new(|| with_table(Style::Router));
static FUNCTIONS: LazyLock<(Description, Table)> = LazyLock::new(|| with_table(Style::Functions));

fn with_table(style: Style) -> (Description, Table) {
    let description = description(style);
    let table = Table::new(&description);
    (description, table)
}

fuzz_target!(|data: &[u8]| {
    let Some((flags, data)) = data.split_first() else { return };
    let (description, table) = if flags & 1 == 0 { &*ROUTERS } else { &*FUNCTIONS };
    if flags & 8 != 0 {
        return tool(description, table, usize::from(flags >> 4), data);
    }
    let text = String::from_utf8_lossy(data);
    let arguments: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let method = (flags & 2 != 0).then_some("post");
    let directory = (flags & 4 != 0).then_some(Path::new("/d"));
    let inputs: Vec<Input> = if flags & 16 == 0 { Vec::new() } else { inputs(&arguments) };
    let line = Line { arguments: &arguments, inputs: &inputs, method, directory };
    if flags & 32 != 0 {
        let _ = arguments::resolve(&Description::default(), &line);
    }
    match arguments::resolve(description, &line) {
        Ok(resolved) => called(description, table, resolved.command, resolved.request),
        Err(failure) => assert!(!failure.error.is_empty()),
    }
});

/// Contents of all words that may be read.
fn inputs(arguments: &[String]) -> Vec<Input> {
    let all = arguments.iter().enumerate();
    let read = |(argument, word): (usize, &String)| {
        let read = word.contains('@').then(|| Ok(word.to_uppercase()));
        (word.contains(['@', '-'])).then_some(Input { argument, read })
    };
    all.filter_map(read).collect()
}

/// A call by arguments in JSON.
fn tool(description: &Description, table: &Table, index: usize, data: &[u8]) {
    let Ok(arguments) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    let Some(command) = description.command(index) else { return };
    if let Ok(call) = tools::composed(command, arguments) {
        let is_certain = description.reaches(command, &call.request.segments);
        called(description, table, is_certain.then_some(index), call.request);
    }
}

/// Checks that a composed call binds what the request that is written of it binds.
fn called(description: &Description, table: &Table, index: Option<usize>, composed: Composed) {
    let body = composed.body.as_ref().map(|body| serde_json::to_vec(body).unwrap());
    let request = Addressed::new(composed.clone(), PLUGIN, 9100, Arc::from("id"));
    let request = Request::Composed(Box::new(request));
    let head = request.head();
    assert!(head.target.raw_path().is_ascii() && head.target.query().is_ascii());
    let Some(index) = index else { return };
    let command = description.command(index).unwrap();
    let Some(plan) = command.plan() else { return };
    let direct = bind(command, plan, &composed);
    if let Ok(bound) = &direct {
        check_bound(command, plan, bound);
    }
    let below = head.target.path().strip_prefix('/').and_then(|path| path.strip_prefix(PLUGIN));
    let Some(matched) = table.find(&command.method, below.unwrap()) else { return };
    assert_eq!(matched.command, index, "{:?}", composed.segments);
    let body = body.unwrap_or_default();
    let query = head.target.query();
    let values = RequestValues::parse(command, plan, &matched, query, &head.headers, &body);
    if let (Ok(direct), Ok(sent)) = (direct, bind(command, plan, &values)) {
        for (one, other) in direct.iter().zip(&sent) {
            let is_open = [one, other].contains(&&Argument::Unbound);
            assert!(is_open || one == other, "{one:?} {other:?} of {composed:?}");
        }
    }
}
