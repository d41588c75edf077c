//! What a batch of changes leads to.

use std::fs;

use tokio::sync::oneshot;

use super::super::found;
use super::super::looked;
use super::super::message::Message;
use super::super::places::Subject;
use super::{Daemon, write};
use crate::runtime::fake::{Act, Script};
use crate::settings::Settings;
use crate::wire::{PluginState, Reload};

impl Daemon {
    /// Has the daemon look at what is named, as after a change; and everything if `names` has nothing.
    fn notice(&self, names: &[&str]) {
        let path = |name: &&str| Subject::Plugin(self.directory.path().join(name));
        let mut batch: std::collections::BTreeSet<Subject> = names.iter().map(path).collect();
        let snapshot = self.registry.snapshot();
        let mut known = snapshot.entries.iter().map(|entry| entry.source.clone()).collect();
        if names.is_empty() {
            batch.insert(Subject::Discovery);
        }
        let looked = looked::look(&self.supervisor.shared, &mut known, &batch);
        assert!(self.supervisor.messages.send(Message::Changed(looked)).is_ok());
    }

    fn edit(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name).join("__init__.py"), text).unwrap();
    }

    fn loads(&self) -> Vec<String> {
        let notes = self.python.notes();
        notes.into_iter().filter(|note| note.starts_with("load ")).collect()
    }

    /// Waits until the router has taken all messages so far.
    async fn taken(&self) {
        self.post("/reload-plugins?plugin=last").await;
    }
}

/// Plugins, the last of which is `last`, of which a test only needs the answer to a reload.
async fn daemon(names: &[&'static str]) -> Daemon {
    let all = names.iter().chain(&["last"]);
    let plugins: Vec<(&str, Script, &str)> =
        all.map(|name| (*name, Script::of(name), "{}")).collect();
    Daemon::settled(&plugins).await
}

#[tokio::test(start_paused = true)]
async fn only_a_change_of_content_loads_and_only_that_plugin() {
    let daemon = daemon(&["jira", "other"]).await;
    daemon.notice(&["jira", "other"]);
    daemon.notice(&[]);
    daemon.taken().await;
    assert_eq!(daemon.loads(), ["load jira", "load other", "load last", "load last"]);
    daemon.edit("jira", "x = 1");
    daemon.notice(&["jira", "other"]);
    daemon.python.noted("end jira 1").await;
    assert_eq!(daemon.version("jira").await, "jira 2");
    assert_eq!(daemon.version("other").await, "other 1");
    daemon.notice(&["jira"]);
    daemon.taken().await;
    assert_eq!(daemon.version("jira").await, "jira 2");
}

#[tokio::test(start_paused = true)]
async fn a_module_from_outside_loads_the_plugins_that_import_it() {
    let directory = tempfile::tempdir().unwrap();
    let (lib, late) = (directory.path().join("lib.py"), directory.path().join("late.py"));
    for file in [&lib, &late] {
        fs::write(file, "x = 1").unwrap();
    }
    let importing = |name| Script { executes: vec![lib.clone()], ..Script::of(name) };
    let plugins = [
        ("one", importing("one"), "{}"),
        ("two", importing("two"), "{}"),
        ("other", Script::of("other"), "{}"),
        ("last", Script::of("last"), "{}"),
    ];
    let daemon = Daemon::within(directory, &plugins).await;
    daemon.registry.settled().await.unwrap();
    let all = ["one", "two", "other"];
    let loads = daemon.loads().len();
    daemon.notice(&all);
    daemon.taken().await;
    assert_eq!(daemon.loads().len(), loads + 1, "only `last`");
    fs::write(&lib, "x = 2").unwrap();
    daemon.notice(&all);
    daemon.taken().await;
    let new = daemon.loads().split_off(loads + 1);
    assert_eq!(new, ["load one", "load two", "load last"]);
    // A load that fails adds what it got to; the old version goes on.
    let fails =
        Script { load: Act::Fails("no"), executes: vec![late.clone()], ..Script::of("one") };
    daemon.python.script("one", fails);
    fs::remove_file(&lib).unwrap();
    daemon.notice(&["one"]);
    daemon.taken().await;
    let state = daemon.state("one").await;
    assert!(matches!(state, PluginState::Ready { reload: Reload::Failed(_), .. }), "{state:?}");
    for file in [&lib, &late] {
        let loads = daemon.loads().len();
        fs::write(file, "x = 3").unwrap();
        daemon.notice(&["one"]);
        daemon.taken().await;
        assert_eq!(daemon.loads().len(), loads + 2, "{}", file.display());
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_writes_into_its_own_directory_is_not_loaded_for_that_for_ever() {
    let daemon = daemon(&["jira"]).await;
    let state = daemon.directory.path().join("jira/state.json");
    let written = |number: u32| daemon.python.writes(&state, &number.to_string());
    let count = || daemon.loads().iter().filter(|load| *load == "load jira").count();
    let id = daemon.registry.snapshot().entries[0].id;
    for round in 1..=5 {
        written(round);
        daemon.notice(&["jira"]);
        daemon.taken().await;
    }
    assert_eq!(count(), 4, "the first load, and three more");
    let notices = daemon.notices.of(Some(id));
    assert!(notices[0].starts_with("it writes state.json in its own directory"), "{notices:?}");
    // An edit of another file takes effect with them.
    daemon.edit("jira", "x = 1");
    written(6);
    daemon.notice(&["jira"]);
    daemon.taken().await;
    written(7);
    daemon.notice(&["jira"]);
    daemon.taken().await;
    assert_eq!((count(), daemon.notices.of(Some(id)).len()), (5, 1));
    daemon.post("/reload-plugins?plugin=jira").await;
    assert_eq!((count(), daemon.notices.of(Some(id)).len()), (6, 0));
    written(8);
    daemon.notice(&["jira"]);
    daemon.taken().await;
    assert_eq!(count(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_failed_is_tried_again_once_its_files_change() {
    let daemon = daemon(&["jira"]).await;
    daemon.python.script("jira", Script { load: Act::Fails("no"), ..Script::of("jira") });
    daemon.edit("jira", "x = 1");
    daemon.notice(&["jira"]);
    daemon.taken().await;
    let state = daemon.state("jira").await;
    assert!(matches!(state, PluginState::Ready { reload: Reload::Failed(_), .. }), "{state:?}");
    daemon.python.script("jira", Script::of("jira"));
    daemon.notice(&["jira"]);
    daemon.taken().await;
    assert_eq!(daemon.version("jira").await, "jira 1", "nothing changed");
    daemon.edit("jira", "x = 2");
    daemon.notice(&["jira"]);
    daemon.python.noted("end jira 1").await;
    assert!(daemon.version("jira").await.starts_with("jira "));
    // The same for its manifest.
    write(&daemon.directory, "jira", "{oops");
    daemon.notice(&["jira"]);
    daemon.taken().await;
    let state = daemon.state("jira").await;
    assert!(matches!(state, PluginState::Ready { reload: Reload::Failed(_), .. }), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn plugins_are_found_and_removed_and_found_again() {
    let daemon = daemon(&["jira"]).await;
    daemon.add("new", Script::of("new"));
    daemon.notice(&[]);
    daemon.python.noted("start new 1").await;
    assert_eq!(daemon.version("new").await, "new 1");
    daemon.remove("new");
    daemon.notice(&[]);
    daemon.python.noted("end new 1").await;
    assert_eq!(daemon.registry.snapshot().names(), ["jira", "last"]);
    daemon.add("new", Script::of("new"));
    daemon.notice(&[]);
    daemon.python.noted("start new 2").await;
    assert_eq!(daemon.version("new").await, "new 2");
    assert_eq!(daemon.version("jira").await, "jira 1");
}

#[tokio::test(start_paused = true)]
async fn a_reload_and_a_change_of_the_same_files_load_once() {
    let daemon = daemon(&["jira"]).await;
    daemon.edit("jira", "x = 1");
    let found = found::all(daemon.supervisor.shared.clone()).await.unwrap();
    let (answer, answered) = oneshot::channel();
    let reload = Message::Reload { plugins: vec!["jira".to_owned()], found, answer };
    // The router takes all three before the end of the load that the first one begins.
    daemon.notice(&["jira"]);
    assert!(daemon.supervisor.messages.send(reload).is_ok());
    daemon.notice(&["jira"]);
    let reloaded = answered.await.unwrap().unwrap();
    assert_eq!(reloaded.reloaded, ["jira"]);
    assert_eq!(daemon.loads().iter().filter(|load| *load == "load jira").count(), 2);
    assert_eq!(daemon.version("jira").await, "jira 2");
}

#[tokio::test(start_paused = true)]
async fn new_settings_load_the_plugins_that_they_are_for() {
    let daemon = daemon(&["jira", "other"]).await;
    let parts = &daemon.supervisor.shared.parts;
    let before = parts.settings.now();
    let table = "[plugins.jira]\nurl = 'u'".parse().unwrap();
    let settings = Settings::resolve(table, &parts.paths.config_file(), &parts.env).unwrap();
    parts.settings.replace(settings);
    let messages = &daemon.supervisor.messages;
    let configured = || messages.send(Message::Configured(before.clone())).is_ok();
    assert!(configured());
    daemon.python.noted("end jira 1").await;
    // The settings in force are loaded already.
    assert!(configured());
    daemon.taken().await;
    assert_eq!(daemon.loads().iter().filter(|load| *load == "load jira").count(), 2);
    assert_eq!(daemon.version("jira").await, "jira 2");
    assert_eq!(daemon.version("other").await, "other 1");
}
