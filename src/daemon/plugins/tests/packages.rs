//! Plugins and the packages that they require.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Daemon, write};
use crate::daemon::dependencies::fake::FakePackages;
use crate::http::Question;
use crate::registry::Entry;
use crate::runtime::fake::Script;
use crate::wire::PluginState;
use crate::wire::deps::Order;

fn needs(requirement: &str) -> String {
    json!({"dependencies": [requirement]}).to_string()
}

async fn two_that_conflict(packages: &Arc<FakePackages>) -> Daemon {
    let (x1, x2) = (needs("x==1"), needs("x==2"));
    let plugins = [("jira", Script::of("jira"), &*x1), ("notes", Script::of("notes"), &*x2)];
    let daemon = Daemon::with_packages(packages.clone(), &plugins).await;
    daemon.registry.settled().await.unwrap();
    daemon
}

/// Waits until the plugin serves.
async fn serves(daemon: &Daemon, name: &str) {
    let mut snapshots = daemon.registry.subscribe();
    let ready = snapshots.wait_for(|snapshot| {
        let served = |entry: &Entry| entry.name == name && entry.served.is_some();
        snapshot.entries.iter().any(served)
    });
    let limit = Duration::from_secs(120);
    let waited = tokio::time::timeout(limit, ready).await;
    assert!(waited.is_ok(), "{name} does not serve");
}

async fn standing(daemon: &Daemon, name: &str) -> Value {
    let (_, report) = daemon.get("/deps").await;
    let parties = report["wanted"].as_array().unwrap();
    parties.iter().find(|party| party["owner"] == name).unwrap()["standing"].clone()
}

#[tokio::test]
async fn a_plugin_waits_for_its_requirements_and_no_change_is_made_for_another_load() {
    let packages = Arc::new(FakePackages::default());
    let x = needs("x==1");
    let daemon = Daemon::with_packages(packages.clone(), &[("jira", Script::of("jira"), &x)]).await;
    daemon.registry.settled().await.unwrap();
    assert_eq!(daemon.version("jira").await, "jira 1");
    assert_eq!(packages.notes(), ["lock", "build", "swap"]);
    let (_, reloaded) = daemon.post("/reload-plugins").await;
    assert_eq!(reloaded["reloaded"], json!(["jira"]));
    assert_eq!(packages.notes().len(), 3);
    assert_eq!(standing(&daemon, "jira").await, "satisfied");
}

#[tokio::test]
async fn of_two_that_conflict_the_later_one_is_set_aside_until_one_is_mended() {
    let packages = Arc::new(FakePackages::default());
    let daemon = two_that_conflict(&packages).await;
    assert_eq!(daemon.version("jira").await, "jira 1");
    let (status, refused) = daemon.get("/notes/x").await;
    assert_eq!(status, 503);
    let error = "notes does not serve: its requirements conflict with others: jira needs x==1; notes needs x==2";
    assert_eq!(refused["error"], error);
    assert_eq!(standing(&daemon, "notes").await, "set-aside");
    // The other one, which serves, is changed.
    write(&daemon.directory, "jira", &needs("x==2"));
    let (_, reloaded) = daemon.post("/reload-plugins?plugin=jira").await;
    assert_eq!(reloaded["reloaded"], json!(["jira"]), "{reloaded}");
    serves(&daemon, "notes").await;
    assert_eq!(standing(&daemon, "notes").await, "satisfied");
}

#[tokio::test]
async fn a_plugin_that_was_set_aside_is_back_when_the_other_one_is_gone() {
    let packages = Arc::new(FakePackages::default());
    let daemon = two_that_conflict(&packages).await;
    daemon.remove("jira");
    daemon.post("/reload-plugins").await;
    serves(&daemon, "notes").await;
}

#[tokio::test]
async fn what_is_set_aside_is_remembered_without_another_resolution() {
    let packages = Arc::new(FakePackages::default());
    let daemon = two_that_conflict(&packages).await;
    let (notes, directory) = (packages.notes(), daemon.directory);
    let plugins = [
        ("jira", Script::of("jira"), &*needs("x==1")),
        ("notes", Script::of("notes"), &*needs("x==2")),
    ]
    .map(|(name, script, manifest)| (name, script, manifest.to_owned()));
    let plugins: Vec<_> =
        plugins.iter().map(|(name, script, it)| (*name, script.clone(), it.as_str())).collect();
    let again = Daemon::made(directory, "", Some(packages.clone()), &plugins).await;
    again.registry.settled().await.unwrap();
    assert!(matches!(again.state("notes").await, PluginState::Failed(_)));
    assert_eq!(packages.notes(), notes);
    // A reload tries again.
    again.post("/reload-plugins?plugin=notes").await;
    assert!(packages.notes().len() > notes.len());
}

#[tokio::test]
async fn a_version_that_cannot_be_installed_leaves_the_one_that_serves() {
    let packages = Arc::new(FakePackages::default());
    let x = needs("x==1");
    let plugins = [("jira", Script::of("jira"), &*x), ("notes", Script::of("notes"), &*x)];
    let daemon = Daemon::with_packages(packages.clone(), &plugins).await;
    daemon.registry.settled().await.unwrap();
    write(&daemon.directory, "notes", &needs("missing"));
    let (_, reloaded) = daemon.post("/reload-plugins?plugin=notes").await;
    let error = reloaded["failed"][0]["error"].as_str().unwrap();
    assert_eq!(
        error,
        "notes serves its previous version: it needs missing, but it is not in the index"
    );
    assert_eq!(daemon.version("notes").await, "notes 1");
}

#[tokio::test(start_paused = true)]
async fn without_a_network_what_is_satisfied_loads_and_the_rest_is_tried_again() {
    let packages = Arc::new(FakePackages::default());
    let daemon = two_that_conflict(&packages).await;
    packages.is_cut_off.store(true, Ordering::SeqCst);
    write(&daemon.directory, "notes", &needs("y==1"));
    let (_, reloaded) = daemon.post("/reload-plugins?plugin=notes").await;
    let error = reloaded["failed"][0]["error"].as_str().unwrap();
    assert_eq!(
        error,
        "notes does not serve: y==1 cannot be installed: the index cannot be reached"
    );
    let (_, reloaded) = daemon.post("/reload-plugins?plugin=jira").await;
    assert_eq!(reloaded["reloaded"], json!(["jira"]), "{reloaded}");
    let (_, report) = daemon.get("/deps").await;
    assert_eq!(report["failure"]["error"], "the index cannot be reached");
    packages.is_cut_off.store(false, Ordering::SeqCst);
    serves(&daemon, "notes").await;
}

#[tokio::test]
async fn a_change_that_is_ordered_is_for_what_was_written_before() {
    let packages = Arc::new(FakePackages::default());
    let daemon =
        Daemon::with_packages(packages.clone(), &[("jira", Script::of("jira"), "{}")]).await;
    daemon.registry.settled().await.unwrap();
    daemon.supervisor.watch();
    let builds = || packages.notes().iter().filter(|note| *note == "build").count();
    // Once a change has been noticed, the first look of the watch is past.
    write(&daemon.directory, "jira", &needs("x==1"));
    let loads = || daemon.python.notes().iter().filter(|note| *note == "load jira").count();
    let mut snapshots = daemon.registry.subscribe();
    let noticed = snapshots.wait_for(|snapshot| {
        loads() == 2 && snapshot.entries.iter().all(|entry| entry.served.is_some())
    });
    assert!(tokio::time::timeout(Duration::from_secs(120), noticed).await.is_ok());
    assert_eq!(builds(), 1);
    write(&daemon.directory, "jira", &needs("y==1"));
    daemon.supervisor.packages(Question::Change(Order::Sync)).await.unwrap();
    assert_eq!(builds(), 2);
}
