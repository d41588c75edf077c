//! The transitions as a table, which `cargo test --lib dependencies -- --nocapture` prints.

use std::collections::BTreeSet;

use uv_normalize::PackageName;

use super::Input::{
    Built, Checked, Explained, Kept, Locked, Ordered, PauseOver, Swapped, Wanted as Wants,
};
use super::{Asked, Effect, Fault, Input, Order, Standing, State, Step, Upgrade};
use crate::failure::Failure;
use crate::requirements::{Owner, Party, Requirement, Wanted};
use crate::solver::{Conflict, Explanation, Missing, Need, Verdict};

fn owner(name: &str) -> Owner {
    match name {
        "daemon" => Owner::Daemon,
        _ => Owner::Plugin { name: name.into(), path: format!("/p/{name}").into() },
    }
}

/// `a:x<2`: the party `a` with the requirement `x<2`.
fn party(text: &str) -> Party {
    let (name, requirement) = text.split_once(':').unwrap();
    let package = PackageName::from_owned(requirement[..1].to_owned()).unwrap();
    let field = "dependencies[0]".into();
    let requirements = vec![Requirement { text: requirement.into(), package, field }];
    Party { owner: owner(name), requirements, requires_python: None }
}

fn parties(text: &str) -> Vec<Party> {
    text.split_whitespace().map(party).collect()
}

fn asked(text: &str) -> Asked {
    let wanted = Wanted { parties: parties(text), ..Wanted::default() };
    Asked { wanted, serving: Vec::new() }
}

fn wants(text: &str) -> Input {
    Wants(asked(text), Order::default(), 1)
}

fn satisfied() -> Input {
    Checked(Ok(Verdict::Satisfied { needed: BTreeSet::new() }))
}

fn missing(names: &str) -> Input {
    let missing = |name| Missing { owner: owner(name), chain: vec![], instead: String::new() };
    Checked(Ok(Verdict::Unsatisfied(names.split_whitespace().map(missing).collect())))
}

fn conflict(names: &str) -> Input {
    let need = |name| Need { owner: owner(name), chain: vec![format!("{name}'s")] };
    let needs = names.split_whitespace().map(need).collect();
    Explained(Ok(Explanation::Conflict(Conflict { needs })))
}

fn impossible(name: &str) -> Input {
    let (owner, chain) = (owner(name), vec!["x>9".to_owned()]);
    Explained(Ok(Explanation::Impossible { owner, chain, reason: "there is none".into() }))
}

fn unsolvable() -> Input {
    Locked(Err(Fault::NoSolution("no solution".into())))
}

fn does_not_build() -> Fault {
    Fault::Build("does not build".into())
}

fn no_network() -> Fault {
    Fault::Passing(Failure::environment("no network"))
}

fn show_parties(parties: &[Party]) -> String {
    let names: Vec<String> = parties.iter().map(|party| party.owner.to_string()).collect();
    names.join(" ").replace("skills-daemon", "daemon")
}

fn show_effect(effect: &Effect) -> String {
    match effect {
        Effect::Check(parties) => format!("check {}", show_parties(parties)),
        Effect::Lock(parties, Upgrade::Nothing) => format!("lock {}", show_parties(parties)),
        Effect::Lock(parties, _) => format!("upgrade {}", show_parties(parties)),
        Effect::Explain(parties) => format!("explain {}", show_parties(parties)),
        Effect::Build => "build".into(),
        Effect::Swap => "swap".into(),
        Effect::Replace => "replace".into(),
        Effect::Report => "report".into(),
        Effect::Remember => "remember".into(),
        Effect::Pause(pause) => format!("pause {} s", pause.as_secs()),
        Effect::End(None) => "end".into(),
        Effect::End(Some(failure)) => format!("end: {failure}"),
    }
}

fn show_state(state: &State) -> String {
    let step = match &state.step {
        Step::Idle => "idle",
        Step::Checking(_) => "checking",
        Step::Locking(change) if change.search.is_some() => "trying",
        Step::Locking(_) => "locking",
        Step::Explaining(..) => "explaining",
        Step::Building(_) => "building",
        Step::Swapping(_) => "swapping",
        Step::Replacing => "replacing",
    };
    let mut text = step.to_owned();
    for aside in &state.aside {
        text += &format!(", without {}", aside.party.owner);
    }
    if state.next.is_some() {
        text += ", then again";
    }
    text
}

/// What happens, input, state after, effects.
type Row = (&'static str, Input, &'static str, &'static str);

/// Walks through `rows`, each from the state that the one before led to, and prints them.
fn walk(mut state: State, rows: Vec<Row>) -> State {
    for (what, input, after, expected) in rows {
        let (next, effects) = state.transition(input);
        let effects: Vec<String> = effects.iter().map(show_effect).collect();
        let (shown, effects) = (show_state(&next), effects.join(", "));
        println!("{what:<48} | {shown:<28} | {effects}");
        assert_eq!((shown.as_str(), effects.as_str()), (after, expected), "{what}");
        state = next;
    }
    state
}

const ENDS: &str = "remember, report, end";

#[rustfmt::skip]
#[test]
fn from_what_is_wanted_to_what_is_installed() {
    walk(State::default(), vec![
        ("plugins are found", wants("daemon:x a:y"), "checking", "check daemon a"),
        ("all is there", satisfied(), "idle", ENDS),
        ("a plugin is added", wants("daemon:x a:y b:z"), "checking", "check daemon a b"),
        ("it lacks something", missing("b"), "locking", "report, lock daemon a b"),
        ("another one comes", wants("daemon:x a:y b:z c:z"), "locking, then again", ""),
        ("and one more", wants("daemon:x a:y b:z c:y"), "locking, then again", ""),
        ("versions are chosen", Locked(Ok(true)), "building, then again", "report, build"),
        ("the environment is made", Built(Ok(())), "swapping, then again", "swap"),
        ("it is in place; exactly one more", Swapped(Ok(false)), "checking", "remember, report, end, check daemon a b c"),
        ("", satisfied(), "idle", ENDS),
        ("a late answer", Built(Ok(())), "idle", ""),
        ("sync", Ordered(Order { resolves: true, ..Order::default() }), "checking", "check daemon a b c"),
        ("", satisfied(), "locking", "lock daemon a b c"),
        ("the lock is as installed", Locked(Ok(false)), "swapping", "swap"),
        ("", Swapped(Ok(false)), "idle", ENDS),
        ("lock", Ordered(Order { resolves: true, locks_only: true, ..Order::default() }), "checking", "check daemon a b c"),
        ("", satisfied(), "locking", "lock daemon a b c"),
        ("nothing is installed", Locked(Ok(true)), "swapping", "swap"),
        ("", Swapped(Ok(false)), "idle", ENDS),
        ("upgrade", Ordered(Order { resolves: true, upgrade: Upgrade::All, ..Order::default() }), "checking", "check daemon a b c"),
        ("", satisfied(), "locking", "upgrade daemon a b c"),
        ("", Locked(Ok(true)), "building", "report, build"),
        ("", Built(Ok(())), "swapping", "swap"),
        ("a package that is imported changes", Swapped(Ok(true)), "replacing", "remember, report, end, replace"),
        ("a plugin changes meanwhile", wants("daemon:x a:y"), "replacing, then again", ""),
        ("no process could take over", Kept(Failure::environment("no")), "replacing, then again", "report, pause 5 s"),
        ("it is tried again", PauseOver, "replacing, then again", "replace"),
    ]);
}

#[rustfmt::skip]
#[test]
fn a_conflict_sets_the_junior_party_aside_until_it_is_gone() {
    let state = walk(State::default(), vec![
        ("two that conflict", wants("daemon:x a:x<2 b:x>2"), "checking", "check daemon a b"),
        ("", missing("b"), "locking", "report, lock daemon a b"),
        ("", unsolvable(), "explaining", "explain daemon a b"),
        ("the junior one gives way", conflict("a b"), "checking, without b", "report, check daemon a"),
        ("", satisfied(), "idle, without b", ENDS),
        ("another plugin comes", wants("daemon:x a:x<2 b:x>2 c:y"), "checking, without b", "check daemon a b c"),
        ("the reason holds: b is not tried again", missing("b c"), "checking, without b", "check daemon a c"),
        ("", missing("c"), "locking, without b", "report, lock daemon a c"),
        ("", Locked(Ok(true)), "building, without b", "report, build"),
        ("", Built(Ok(())), "swapping, without b", "swap"),
        ("", Swapped(Ok(false)), "idle, without b", ENDS),
    ]);
    assert!(matches!(state.standing(&party("b:x>2")), Standing::SetAside(_)));
    assert_eq!(state.standing(&party("c:y")), Standing::Satisfied);
    walk(state.clone(), vec![
        ("a is mended", wants("daemon:x a:x b:x>2 c:y"), "checking, without b", "check daemon a b c"),
        ("b is tried again", missing("b"), "locking", "report, lock daemon a b c"),
    ]);
    walk(state.clone(), vec![
        ("a is removed", wants("daemon:x b:x>2 c:y"), "checking, without b", "check daemon b c"),
        ("b is tried again", missing("b"), "locking", "report, lock daemon b c"),
    ]);
    walk(state.clone(), vec![
        ("b is removed", wants("daemon:x a:x<2 c:y"), "checking", "check daemon a c"),
    ]);
    walk(state, vec![
        ("b is mended", wants("daemon:x a:x<2 b:x c:y"), "checking", "check daemon a b c"),
        ("", satisfied(), "idle", ENDS),
    ]);
}

#[rustfmt::skip]
#[test]
fn a_party_that_was_satisfied_stays_whichever_came_first() {
    walk(State::default(), vec![
        ("", wants("daemon:x a:x b:x>2"), "checking", "check daemon a b"),
        ("", satisfied(), "idle", ENDS),
        ("a is changed", wants("daemon:x a:x<2 b:x>2"), "checking", "check daemon a b"),
        ("", missing("a"), "locking", "report, lock daemon a b"),
        ("", unsolvable(), "explaining", "explain daemon a b"),
        ("b goes on", conflict("a b"), "checking, without a", "report, check daemon b"),
        ("", satisfied(), "idle, without a", ENDS),
    ]);
}

#[rustfmt::skip]
#[test]
fn a_party_that_gave_way_comes_back_when_the_other_gives_way_itself() {
    walk(State::default(), vec![
        ("", wants("daemon:x a:x b:x c:x"), "checking", "check daemon a b c"),
        ("", missing("a b c"), "locking", "report, lock daemon a b c"),
        ("", unsolvable(), "explaining", "explain daemon a b c"),
        ("", conflict("b c"), "checking, without c", "report, check daemon a b"),
        ("", missing("a b"), "locking, without c", "report, lock daemon a b"),
        ("", unsolvable(), "explaining, without c", "explain daemon a b"),
        ("b gives way to a, so c may stay", conflict("a b"), "checking, without b", "report, check daemon a c"),
        ("", missing("c"), "locking, without b", "report, lock daemon a c"),
        ("", unsolvable(), "explaining, without b", "explain daemon a c"),
        ("no version of it", impossible("c"), "checking, without b, without c", "report, check daemon a"),
        ("", satisfied(), "idle, without b, without c", ENDS),
        ("an order tries all again", Ordered(Order::again()), "checking", "check daemon a b c"),
    ]);
}

#[rustfmt::skip]
#[test]
fn what_time_may_mend_is_tried_again_and_sets_nothing_aside() {
    let state = walk(State::default(), vec![
        ("", wants("daemon:x a:y b:z"), "checking", "check daemon a b"),
        ("", missing("b"), "locking", "report, lock daemon a b"),
        ("", Locked(Err(no_network())), "idle", "remember, report, end: no network, pause 5 s"),
        ("", PauseOver, "checking", "check daemon a b"),
        ("", missing("b"), "locking", "report, lock daemon a b"),
        ("", Locked(Ok(true)), "building", "report, build"),
        ("twice as long", Built(Err(no_network())), "idle", "remember, report, end: no network, pause 10 s"),
    ]);
    assert_eq!(state.standing(&party("a:y")), Standing::Satisfied);
    let failure = Failure::environment("z cannot be installed: no network");
    assert_eq!(state.standing(&party("b:z")), Standing::Failed(failure));
    walk(state, vec![
        ("", PauseOver, "checking", "check daemon a b"),
        ("it is there by now", satisfied(), "idle", ENDS),
        ("a pause that no failure needs", PauseOver, "idle", ""),
    ]);
}

#[rustfmt::skip]
#[test]
fn the_party_at_fault_is_searched_for_where_the_resolver_cannot_tell() {
    walk(State::default(), vec![
        ("", wants("daemon:x a:x b:x c:x"), "checking", "check daemon a b c"),
        ("", missing("a b c"), "locking", "report, lock daemon a b c"),
        ("a package does not build", Locked(Err(does_not_build())), "explaining", "explain daemon a b c"),
        ("the indexes can be reached", Explained(Ok(Explanation::Solvable)), "trying", "lock daemon a"),
        ("", Locked(Ok(true)), "trying", "lock daemon a b"),
        ("it is b's", Locked(Err(does_not_build())), "checking, without b", "report, check daemon a c"),
        ("", missing("c"), "locking, without b", "report, lock daemon a c"),
        ("", Locked(Ok(true)), "building, without b", "report, build"),
        ("when it is installed", Built(Err(does_not_build())), "explaining, without b", "explain daemon a c"),
        ("", Explained(Ok(Explanation::Solvable)), "trying, without b", "lock daemon"),
        ("", Locked(Ok(true)), "building, without b", "report, build"),
        ("", Built(Ok(())), "trying, without b", "lock daemon a"),
        ("", Locked(Ok(true)), "building, without b", "report, build"),
        ("", Built(Ok(())), "checking, without b, without c", "report, check daemon a"),
        ("", satisfied(), "idle, without b, without c", "remember, report, end, pause 5 s"),
        ("a compiler may be there", PauseOver, "checking", "check daemon a b c"),
    ]);
    walk(State::default(), vec![
        ("", wants("daemon:x"), "checking", "check daemon"),
        ("", missing("daemon"), "locking", "report, lock daemon"),
        ("", unsolvable(), "explaining", "explain daemon"),
        ("", impossible("daemon"), "idle", "remember, report, end: the daemon itself needs x>9, but there is none"),
    ]);
}

#[rustfmt::skip]
#[test]
fn the_version_that_serves_keeps_its_packages_while_the_new_one_is_set_aside() {
    let mut asked = asked("daemon:x a:x<2 b:x>2");
    asked.serving = parties("b:x");
    walk(State::default(), vec![
        ("b is changed", Wants(asked, Order::default(), 1), "checking", "check daemon a b"),
        ("", missing("b"), "locking", "report, lock daemon a b"),
        ("", unsolvable(), "explaining", "explain daemon a b"),
        ("", conflict("a b"), "checking, without b", "report, check daemon a b"),
        ("", missing("b"), "locking, without b", "report, lock daemon a b"),
        ("", unsolvable(), "explaining, without b", "explain daemon a b"),
        ("even that does not fit", conflict("a b"), "checking, without b", "report, check daemon a"),
        ("", satisfied(), "idle, without b", ENDS),
    ]);
}

#[test]
fn a_reason_is_told_as_a_person_would() {
    let (state, _) = State::default().transition(wants("daemon:x jira:x<2 notes:y"));
    let (state, _) = state.transition(missing("notes"));
    let (state, _) = state.transition(unsolvable());
    let need = |name, chain: &[&str]| Need {
        owner: owner(name),
        chain: chain.iter().map(ToString::to_string).collect(),
    };
    let needs = vec![need("jira", &["httpx<0.25"]), need("notes", &["web>=2", "httpx>=0.27"])];
    let conflict = Explained(Ok(Explanation::Conflict(Conflict { needs })));
    let (state, _) = state.transition(conflict);
    let Standing::SetAside(failure) = state.standing(&party("notes:y")) else { panic!() };
    assert_eq!(
        failure.error,
        "its requirements conflict with others: jira needs httpx<0.25; notes needs web>=2, which needs httpx>=0.27"
    );
}
