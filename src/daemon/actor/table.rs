//! The transitions as a table, which `cargo test --lib actor -- --nocapture` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Event::*;
use super::Next::{
    Asleep, Checking, Clearing, Ended, Failed, Idle, Importing, Installing, Starting,
};
use super::{Attempt, Effect, End, Ending, Event, Next, State, Version, Why};

pub(super) type S = State<&'static str>;
pub(super) type E = Event<&'static str>;

const V1: Version = Version(1);
const V2: Version = Version(2);
const V3: Version = Version(3);
const V4: Version = Version(4);

fn nothing(next: Next<&'static str>) -> S {
    State { next, ..State::new() }
}

fn v1(next: Next<&'static str>) -> S {
    State { serves: Some(V1), ..nothing(next) }
}

fn once(version: Version) -> Attempt {
    Attempt { version, queued: None }
}

fn twice(version: Version, queued: Version) -> Attempt {
    Attempt { version, queued: Some(queued) }
}

fn ending(version: Version, state: S) -> S {
    State { ending: BTreeMap::from([(version, Ending::Unloading)]), ..state }
}

fn imports(version: Version, state: S) -> S {
    State { ending: BTreeMap::from([(version, Ending::Importing)]), ..state }
}

fn hangs(version: Version, state: S) -> S {
    State { ending: BTreeMap::from([(version, Ending::Late)]), ..state }
}

fn exclusive(state: S) -> S {
    State { exclusive: true, ..state }
}

pub(super) fn show_state(state: &S) -> String {
    let mut text = state.serves.map_or("nothing".to_owned(), |version| version.to_string());
    let attempt = |stage: &str, attempt: &Attempt| match attempt.queued {
        Some(queued) => format!(", {stage} {}, then {queued}", attempt.version),
        None => format!(", {stage} {}", attempt.version),
    };
    text += &match &state.next {
        Idle => ", idle".to_owned(),
        Asleep => ", asleep".to_owned(),
        Installing(it) => attempt("installing", it),
        Checking(it) => attempt("checking", it),
        Clearing(it) => attempt("clearing for", it),
        Importing(it) => attempt("importing", it),
        Starting(it) => attempt("starting", it),
        Failed(Why::Broken, why) => format!(", failed ({why})"),
        Failed(Why::NameTaken, why) => format!(", failed (name: {why})"),
        Failed(Why::LateImport(version), _) => format!(", failed ({version} still imports)"),
        Failed(Why::LateStart(version), _) => format!(", failed ({version} still starts)"),
        Ended(End::Removed) => ", removed".to_owned(),
        Ended(End::Stopped) => ", stopped".to_owned(),
    };
    for (version, ending) in &state.ending {
        let ends = if *ending == Ending::Late { "hangs" } else { "ends" };
        write!(text, "; {version} {ends}").unwrap();
    }
    text
}

pub(super) fn show_event(event: &E) -> String {
    match event {
        Load(version) => format!("load {version}"),
        Refused(why) => format!("refused: {why}"),
        Wake(version) => format!("wake {version}"),
        Installed(version) => format!("installed {version}"),
        Checked(version) => format!("checked {version}"),
        Imported(version) => format!("imported {version}"),
        Denied(version, why) => format!("denied {version}: {why}"),
        Broke(version, why) => format!("broke {version}: {why}"),
        Started(version) => format!("started {version}"),
        Described(version) => format!("described {version}"),
        Overdue(version, _) => format!("overdue {version}"),
        NameLost(version, why) => format!("name lost {version}: {why}"),
        NameFree(version) => format!("name free, load {version}"),
        Unloaded(version) => format!("unloaded {version}"),
        Abandoned(version) => format!("abandoned {version}"),
        Removed => "removed".to_owned(),
        Stopped => "stopped".to_owned(),
    }
}

fn show_effects(effects: &[Effect]) -> String {
    let show = |effect: &Effect| match effect {
        Effect::Install(version) => format!("install {version}"),
        Effect::Check(version) => format!("check {version}"),
        Effect::Import(version) => format!("import {version}"),
        Effect::Start(version) => format!("start {version}"),
        Effect::Describe(version) => format!("describe {version}"),
        Effect::Serve(version) => format!("serve {version}"),
        Effect::Withdraw(version) => format!("withdraw {version}"),
        Effect::Unload(version) => format!("unload {version}"),
        Effect::Forget => "forget".to_owned(),
    };
    if effects.is_empty() {
        "-".to_owned()
    } else {
        effects.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

/// What happens, before, event, after, effects.
type Row = (&'static str, S, E, &'static str, &'static str);

fn broken() -> Next<&'static str> {
    Failed(Why::Broken, "syntax")
}

fn taken() -> Next<&'static str> {
    Failed(Why::NameTaken, "twin")
}

fn late_import(version: Version) -> Next<&'static str> {
    Failed(Why::LateImport(version), "60 s")
}

fn late_start(version: Version) -> Next<&'static str> {
    Failed(Why::LateStart(version), "62 s")
}

/// From being found to serving, and the same again.
#[rustfmt::skip]
fn loads() -> Vec<Row> {
    vec![
        ("it is found", nothing(Idle), Load(V1), "nothing, installing v1", "install v1"),
        ("", nothing(Installing(once(V1))), Installed(V1), "nothing, importing v1", "import v1"),
        ("", nothing(Importing(once(V1))), Imported(V1), "nothing, starting v1", "start v1"),
        ("", nothing(Starting(once(V1))), Started(V1), "nothing, starting v1", "describe v1"),
        ("", nothing(Starting(once(V1))), Described(V1), "v1, idle", "serve v1"),

        ("reload", v1(Idle), Load(V2), "v1, installing v2", "install v2"),
        ("", v1(Installing(once(V2))), Installed(V2), "v1, importing v2", "import v2"),
        ("", v1(Importing(once(V2))), Imported(V2), "v1, starting v2", "start v2"),
        ("", v1(Starting(once(V2))), Started(V2), "v1, starting v2", "describe v2"),
        ("", v1(Starting(once(V2))), Described(V2), "v2, idle; v1 ends", "serve v2, unload v1"),
        ("unload finished", ending(V1, v1(Idle)), Unloaded(V1), "v1, idle", "-"),
        ("unload never finishes", ending(V1, v1(Idle)), Abandoned(V1), "v1, idle", "-"),
        ("reload while the old one ends", ending(V1, State { serves: Some(V2), ..nothing(Idle) }), Load(V3),
            "v2, installing v3; v1 ends", "install v3"),

        ("reload during start-up", nothing(Installing(once(V1))), Load(V2), "nothing, installing v1, then v2", "-"),
        ("", nothing(Importing(once(V1))), Load(V2), "nothing, importing v1, then v2", "-"),
        ("", nothing(Starting(once(V1))), Load(V2), "nothing, starting v1, then v2", "-"),
        ("the queued one takes its place", nothing(Installing(twice(V1, V2))), Installed(V1),
            "nothing, installing v2", "install v2"),
        ("the first serves meanwhile", nothing(Starting(twice(V1, V2))), Described(V1),
            "v1, installing v2", "serve v1, install v2"),
        ("the first breaks", nothing(Importing(twice(V1, V2))), Broke(V1, "syntax"),
            "nothing, installing v2", "install v2"),
        ("two reloads at once queue one", v1(Importing(once(V2))), Load(V3), "v1, importing v2, then v3", "-"),
        ("the third joins the second", v1(Importing(twice(V2, V3))), Load(V4), "v1, importing v2, then v4", "-"),
    ]
}

/// What fails, and what exceeds a deadline.
#[rustfmt::skip]
fn failures() -> Vec<Row> {
    vec![
        ("requirements fail", nothing(Installing(once(V1))), Broke(V1, "conflict"), "nothing, failed (conflict)", "-"),
        ("", v1(Installing(once(V2))), Broke(V2, "conflict"), "v1, failed (conflict)", "-"),
        ("import fails", nothing(Importing(once(V1))), Broke(V1, "syntax"), "nothing, failed (syntax)", "-"),
        ("the old one serves on", v1(Importing(once(V2))), Broke(V2, "syntax"), "v1, failed (syntax)", "-"),
        ("corrected", v1(broken()), Load(V3), "v1, installing v3", "install v3"),
        ("its manifest is refused", v1(Idle), Refused("json"), "v1, failed (json)", "-"),
        ("", nothing(Idle), Refused("json"), "nothing, failed (json)", "-"),
        ("", v1(Importing(once(V2))), Refused("json"), "v1, failed (json); v2 ends", "-"),
        ("", v1(Starting(once(V2))), Refused("json"), "v1, failed (json); v2 ends", "unload v2"),

        ("the import is late", nothing(Importing(once(V1))), Overdue(V1, "60 s"),
            "nothing, failed (v1 still imports)", "-"),
        ("and returns", nothing(late_import(V1)), Imported(V1), "nothing, starting v1", "start v1"),
        ("and fails", nothing(late_import(V1)), Broke(V1, "syntax"), "nothing, failed (syntax)", "-"),
        ("and another began", nothing(late_import(V1)), Load(V2), "nothing, installing v2; v1 hangs", "install v2"),
        ("so that it is outdated", ending(V1, nothing(Importing(once(V2)))), Imported(V1),
            "nothing, importing v2; v1 ends", "unload v1"),
        ("or outdated and broken", ending(V1, nothing(Importing(once(V2)))), Broke(V1, "syntax"),
            "nothing, importing v2", "-"),
        ("late, and one is queued", v1(Importing(twice(V2, V3))), Overdue(V2, "60 s"),
            "v1, installing v3; v2 ends", "install v3"),
        ("the hooks are late", v1(Starting(once(V2))), Overdue(V2, "62 s"), "v1, failed (v2 still starts)", "-"),
        ("and return", v1(late_start(V2)), Started(V2), "v1, failed (v2 still starts)", "describe v2"),
        ("", v1(late_start(V2)), Described(V2), "v2, idle; v1 ends", "serve v2, unload v1"),
        ("and another began", v1(late_start(V2)), Load(V3), "v1, installing v3; v2 ends", "unload v2, install v3"),
        ("so that they are outdated", ending(V2, v1(Installing(once(V3)))), Started(V2),
            "v1, installing v3; v2 ends", "-"),
        ("late, and one is queued", v1(Starting(twice(V2, V3))), Overdue(V2, "62 s"),
            "v1, installing v3; v2 ends", "unload v2, install v3"),
        ("a deadline of an outdated attempt", v1(Importing(once(V3))), Overdue(V2, "60 s"), "v1, importing v3", "-"),
        ("an install of an outdated attempt", v1(Importing(once(V3))), Installed(V2), "v1, importing v3", "-"),
    ]
}

/// Plugins that sleep, and contested names.
#[rustfmt::skip]
fn sleep_and_names() -> Vec<Row> {
    vec![
        ("wake", nothing(Asleep), Wake(V1), "nothing, installing v1", "install v1"),
        ("while it wakes", nothing(Installing(once(V1))), Wake(V2), "nothing, installing v1", "-"),
        ("when it is awake", v1(Idle), Wake(V2), "v1, idle", "-"),
        ("it cannot wake", nothing(Asleep), Refused("json"), "nothing, failed (json)", "-"),
        ("a reload of one asleep", nothing(Asleep), Load(V1), "nothing, installing v1", "install v1"),

        ("its name is taken", nothing(Importing(once(V1))), Denied(V1, "twin"),
            "nothing, failed (name: twin); v1 ends", "unload v1"),
        ("the old name serves on", v1(Importing(once(V2))), Denied(V2, "twin"),
            "v1, failed (name: twin); v2 ends", "unload v2"),
        ("an earlier plugin takes it", v1(Idle), NameLost(V1, "twin"),
            "nothing, failed (name: twin); v1 ends", "withdraw v1, unload v1"),
        ("during a reload", v1(Importing(once(V2))), NameLost(V1, "twin"),
            "nothing, importing v2; v1 ends", "withdraw v1, unload v1"),
        ("during the hooks", nothing(Starting(once(V1))), NameLost(V1, "twin"),
            "nothing, failed (name: twin); v1 ends", "unload v1"),
        ("during late hooks", nothing(late_start(V1)), NameLost(V1, "twin"),
            "nothing, failed (name: twin); v1 ends", "unload v1"),
        ("the winner goes away", nothing(taken()), NameFree(V2), "nothing, installing v2", "install v2"),
        ("no effect on other failures", nothing(broken()), NameFree(V2), "nothing, failed (syntax)", "-"),
    ]
}

/// Versions that cannot be alive at once.
#[rustfmt::skip]
fn exclusives() -> Vec<Row> {
    let old_serves = |next| exclusive(v1(next));
    let none_serves = |next| exclusive(nothing(next));
    vec![
        ("the first of its kind", none_serves(Installing(once(V1))), Installed(V1), "nothing, importing v1", "import v1"),
        ("reload", old_serves(Idle), Load(V2), "v1, installing v2", "install v2"),
        ("its requirements or syntax fail", old_serves(Installing(once(V2))), Broke(V2, "syntax"),
            "v1, failed (syntax)", "-"),
        ("its files are compiled", old_serves(Installing(once(V2))), Installed(V2), "v1, checking v2", "check v2"),
        ("and do not compile", old_serves(Checking(once(V2))), Broke(V2, "syntax"), "v1, failed (syntax)", "-"),
        ("or another is queued", old_serves(Checking(once(V2))), Load(V3), "v1, checking v2, then v3", "-"),
        ("which takes its place", old_serves(Checking(twice(V2, V3))), Checked(V2), "v1, installing v3", "install v3"),
        ("", old_serves(Checking(twice(V2, V3))), Broke(V2, "syntax"), "v1, installing v3", "install v3"),
        ("the old one is withdrawn", old_serves(Checking(once(V2))), Checked(V2),
            "nothing, clearing for v2; v1 ends", "withdraw v1, unload v1"),
        ("unless it is outdated", old_serves(Installing(once(V3))), Checked(V2), "v1, installing v3", "-"),
        ("or lost its name meanwhile", none_serves(Checking(once(V2))), Checked(V2), "nothing, importing v2", "import v2"),
        ("or is removed", old_serves(Checking(once(V2))), Removed, "nothing, removed; v1 ends", "withdraw v1, unload v1"),
        ("unload finished", ending(V1, none_serves(Clearing(once(V2)))), Unloaded(V1), "nothing, importing v2", "import v2"),
        ("unload never finishes", ending(V1, none_serves(Clearing(once(V2)))), Abandoned(V1),
            "nothing, importing v2", "import v2"),
        ("import fails", none_serves(Importing(once(V2))), Broke(V2, "syntax"), "nothing, failed (syntax)", "-"),
        ("hooks run alone", none_serves(Starting(once(V2))), Described(V2), "v2, idle", "serve v2"),
        ("another reload meanwhile", ending(V1, none_serves(Clearing(once(V2)))), Load(V3),
            "nothing, clearing for v2, then v3; v1 ends", "-"),
        ("the last one takes its place", ending(V1, none_serves(Clearing(twice(V2, V3)))), Unloaded(V1),
            "nothing, installing v3", "install v3"),
        ("its manifest is refused", ending(V1, none_serves(Clearing(once(V2)))), Refused("json"),
            "nothing, failed (json); v1 ends", "-"),
        ("removed meanwhile", ending(V1, none_serves(Clearing(once(V2)))), Removed, "nothing, removed; v1 ends", "-"),
        ("stopped meanwhile", ending(V1, none_serves(Clearing(once(V2)))), Stopped, "nothing, stopped; v1 ends", "-"),
        ("found again before it ended", ending(V1, none_serves(Installing(once(V2)))), Installed(V2),
            "nothing, clearing for v2; v1 ends", "-"),
        ("an import that was given up is waited for", imports(V1, none_serves(Installing(once(V2)))), Installed(V2),
            "nothing, clearing for v2; v1 ends", "-"),
        ("until it returns", imports(V1, none_serves(Clearing(once(V2)))), Imported(V1),
            "nothing, clearing for v2; v1 ends", "unload v1"),
        ("or is late", imports(V1, none_serves(Clearing(once(V2)))), Overdue(V1, "60 s"),
            "nothing, importing v2; v1 hangs", "import v2"),
        ("a late import is not waited for", none_serves(late_import(V1)), Load(V2),
            "nothing, installing v2; v1 hangs", "install v2"),
        ("", hangs(V1, none_serves(Installing(once(V2)))), Installed(V2), "nothing, importing v2; v1 hangs", "import v2"),
        ("hooks that hang are", none_serves(late_start(V1)), Load(V2), "nothing, installing v2; v1 ends",
            "unload v1, install v2"),
    ]
}

/// Removal, and the end of the daemon.
#[rustfmt::skip]
fn ends() -> Vec<Row> {
    vec![
        ("it is removed", v1(Idle), Removed, "nothing, removed; v1 ends", "withdraw v1, unload v1"),
        ("", ending(V1, nothing(Ended(End::Removed))), Unloaded(V1), "nothing, removed", "forget"),
        ("", ending(V1, nothing(Ended(End::Removed))), Abandoned(V1), "nothing, removed", "forget"),
        ("nothing of it was loaded", nothing(broken()), Removed, "nothing, removed", "forget"),
        ("removed while installing", nothing(Installing(once(V1))), Removed, "nothing, removed", "forget"),
        ("removed while importing", nothing(Importing(once(V1))), Removed, "nothing, removed; v1 ends", "-"),
        ("", ending(V1, nothing(Ended(End::Removed))), Imported(V1), "nothing, removed; v1 ends", "unload v1"),
        ("", ending(V1, nothing(Ended(End::Removed))), Broke(V1, "syntax"), "nothing, removed", "forget"),
        ("removed during the hooks", v1(Starting(once(V2))), Removed, "nothing, removed; v1 ends; v2 ends",
            "withdraw v1, unload v1, unload v2"),
        ("found again before it ended", ending(V1, nothing(Ended(End::Removed))), Load(V2),
            "nothing, installing v2; v1 ends", "install v2"),

        ("stop", v1(Idle), Stopped, "nothing, stopped; v1 ends", "withdraw v1, unload v1"),
        ("during start-up", nothing(Importing(once(V1))), Stopped, "nothing, stopped; v1 ends", "-"),
        ("during reload", v1(Installing(once(V2))), Stopped, "nothing, stopped; v1 ends", "withdraw v1, unload v1"),
        ("", v1(Importing(once(V2))), Stopped, "nothing, stopped; v1 ends; v2 ends", "withdraw v1, unload v1"),
        ("", v1(Starting(once(V2))), Stopped, "nothing, stopped; v1 ends; v2 ends",
            "withdraw v1, unload v1, unload v2"),
        ("hooks that block are left", nothing(late_start(V1)), Stopped, "nothing, stopped; v1 hangs", "-"),
        ("what arrives after it ends", ending(V1, nothing(Ended(End::Stopped))), Imported(V1),
            "nothing, stopped; v1 ends", "unload v1"),
        ("no load after it", nothing(Ended(End::Stopped)), Load(V2), "nothing, stopped", "-"),
    ]
}

#[test]
fn transitions_are_as_the_table_has_them() {
    let mut wrong = Vec::new();
    let rows = [loads(), failures(), sleep_and_names(), exclusives(), ends()];
    let lines: Vec<[String; 5]> = rows
        .into_iter()
        .flatten()
        .map(|(what, state, event, expected, effects_expected)| {
            let (before, occurred) = (show_state(&state), show_event(&event));
            let (after, effects) = state.transition(event);
            let (after, effects) = (show_state(&after), show_effects(&effects));
            if (after.as_str(), effects.as_str()) != (expected, effects_expected) {
                wrong.push(format!(
                    "{what:?}: {before} × {occurred}\n  gives    {after} / {effects}\n  expected {expected} / {effects_expected}"
                ));
            }
            [what.to_owned(), before, occurred, after, effects]
        })
        .collect();
    print(["", "before", "event", "after", "effects"], &lines);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn print(head: [&str; 5], lines: &[[String; 5]]) {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let show = |cells: [&str; 5]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    show(head);
    for line in lines {
        show(line.each_ref().map(String::as_str));
    }
}
