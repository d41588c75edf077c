//! The daemon's inside with [`FakePython`]: actors, registry and the way of a request, in milliseconds.
//!
//! Time is paused and passes only when nothing else can happen, so deadlines of a minute cost nothing.

mod changes;
mod guarded;
mod life;
mod long_lived;
mod names;
mod packages;
mod requests;
mod skills;

use std::fs;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Parts, Supervisor};
use crate::crashes;
use crate::daemon::dependencies::Packages;
use crate::daemon::dependencies::fake::FakePackages;
use crate::environment::Environment;
use crate::http::entry::Entry;
use crate::http::health::HealthBook;
use crate::http::peer::Peer;
use crate::http::{self, Control, Service};
use crate::notices::Notices;
use crate::paths::Paths;
use crate::registry::Registry;
use crate::runtime::fake::{FakePython, Script};
use crate::settings::Settings;
use crate::settings::live::Live;
use crate::wire::{PluginState, Ready, Status};

/// A daemon without Python, sockets and processes.
struct Daemon {
    python: Arc<FakePython>,
    registry: Arc<Registry>,
    notices: Arc<Notices>,
    supervisor: Supervisor,
    service: Arc<Service>,
    entry: Entry,
    directory: tempfile::TempDir,
}

impl Daemon {
    /// A daemon of plugins in this order, each with its working name, its script and its manifest.
    async fn of(plugins: &[(&str, Script, &str)]) -> Daemon {
        Daemon::within(tempfile::tempdir().unwrap(), plugins).await
    }

    /// The same in a directory where one may have run before.
    async fn within(directory: tempfile::TempDir, plugins: &[(&str, Script, &str)]) -> Daemon {
        Daemon::configured(directory, "", plugins).await
    }

    /// The same with packages.
    async fn with_packages(
        packages: Arc<FakePackages>,
        plugins: &[(&str, Script, &str)],
    ) -> Daemon {
        Daemon::made(tempfile::tempdir().unwrap(), "", Some(packages), plugins).await
    }

    /// The same with the text of a `config.toml`.
    async fn configured(
        directory: tempfile::TempDir,
        config: &str,
        plugins: &[(&str, Script, &str)],
    ) -> Daemon {
        Daemon::made(directory, config, None, plugins).await
    }

    async fn made(
        directory: tempfile::TempDir,
        config: &str,
        packages: Option<Arc<FakePackages>>,
        plugins: &[(&str, Script, &str)],
    ) -> Daemon {
        let packages = packages.map(|packages| packages as Arc<dyn Packages>);
        let python = Arc::new(FakePython::default());
        let root = directory.path();
        let conf: Vec<String> =
            plugins.iter().map(|(name, ..)| format!("{}/{name}\n", root.display())).collect();
        let paths = Paths {
            profile: None,
            home: root.join("home"),
            runtime: root.join("run"),
            config: root.join("config"),
            bin: root.join("bin"),
        };
        fs::create_dir_all(&paths.config).unwrap();
        paths.create().unwrap();
        fs::write(paths.plugins_conf(), conf.concat()).unwrap();
        for (name, script, manifest) in plugins {
            write(&directory, name, manifest);
            python.script(name, script.clone());
        }
        let env: Environment =
            [("SKILLS_DAEMON_WRAPPERS".to_owned(), "false".to_owned())].into_iter().collect();
        let settings =
            Settings::resolve(config.parse().unwrap(), &paths.config_file(), &env).unwrap();
        let settings = Arc::new(Live::new(settings));
        let (registry, woken) = Registry::new();
        let (registry, health) = (Arc::new(registry), Arc::new(HealthBook::default()));
        let notices = Arc::new(Notices::default());
        let own_paths = paths.clone();
        let supervisor = Supervisor::begin(
            Parts {
                python: python.clone(),
                python_version: "3.11.7".into(),
                registry: registry.clone(),
                health: health.clone(),
                notices: notices.clone(),
                paths: paths.clone(),
                settings: settings.clone(),
                env,
                packages,
                replace: mpsc::unbounded_channel().0,
                bundled: Vec::new(),
                released: tokio::sync::watch::channel(true).1,
                journal: crashes::journal(&paths).map(Arc::new),
                crashes: crashes::take_over(&paths),
            },
            woken,
        )
        .await;
        let (control, controls) = mpsc::channel(4);
        tokio::spawn(reload_on_request(supervisor.clone(), controls));
        let ready = Ready { pid: 1, version: crate::VERSION.into(), port: 1, python: "3".into() };
        let change = supervisor.change();
        let service = Service::new(
            registry.clone(),
            health,
            notices.clone(),
            ready,
            own_paths,
            settings,
            change,
            control,
        );
        let service = Arc::new(service);
        Daemon {
            python,
            registry,
            notices,
            supervisor,
            entry: http::entry(service.clone()),
            service,
            directory,
        }
    }

    /// The same, once all plugins are settled.
    async fn settled(plugins: &[(&str, Script, &str)]) -> Daemon {
        let daemon = Daemon::of(plugins).await;
        daemon.registry.settled().await.unwrap();
        daemon
    }

    /// Adds a plugin on disk.
    fn add(&self, name: &str, script: Script) {
        write(&self.directory, name, "{}");
        self.python.script(name, script);
        let conf = self.directory.path().join("config/plugins.conf");
        let text = fs::read_to_string(&conf).unwrap();
        fs::write(conf, format!("{text}{}/{name}\n", self.directory.path().display())).unwrap();
    }

    /// Takes a plugin out of the configuration.
    fn remove(&self, name: &str) {
        let conf = self.directory.path().join("config/plugins.conf");
        let text = fs::read_to_string(&conf).unwrap();
        let line = format!("{}/{name}\n", self.directory.path().display());
        fs::write(conf, text.replace(&line, "")).unwrap();
    }

    /// A request over the Unix socket, up to the head of its answer.
    async fn send(&self, method: &str, target: &str, body: Body) -> axum::response::Response {
        let request = Request::builder().method(method).uri(target).body(body).unwrap();
        let connection = self.entry.connection(Peer::Unix);
        connection.call(request).await.unwrap_or_else(|never| match never {})
    }

    async fn get(&self, target: &str) -> (StatusCode, Value) {
        answer(self.send("GET", target, Body::empty()).await).await
    }

    async fn post(&self, target: &str) -> (StatusCode, Value) {
        answer(self.send("POST", target, Body::empty()).await).await
    }

    /// Which version of the plugin answers: `jira 1`.
    async fn version(&self, plugin: &str) -> String {
        let (_, body) = self.get(&format!("/{plugin}/x")).await;
        body["by"].as_str().map_or_else(|| body.to_string(), str::to_owned)
    }

    /// The state of the plugin `name`, as the socket has it.
    async fn state(&self, name: &str) -> PluginState {
        let (_, body) = self.get("/-/status").await;
        let status: Status = serde_json::from_value(body).unwrap();
        let plugin = status.plugins.into_iter().find(|plugin| plugin.name == name);
        plugin.unwrap_or_else(|| panic!("no {name}")).state
    }
}

async fn reload_on_request(supervisor: Supervisor, mut controls: mpsc::Receiver<Control>) {
    while let Some(control) = controls.recv().await {
        let supervisor = supervisor.clone();
        match control {
            Control::Shutdown => {}
            Control::Reload { plugins, answer } => {
                tokio::spawn(async move { answer.send(supervisor.reload(plugins).await).is_ok() });
            }
            Control::Packages { question, answer } => {
                tokio::spawn(
                    async move { answer.send(supervisor.packages(question).await).is_ok() },
                );
            }
        }
    }
}

fn write(directory: &tempfile::TempDir, name: &str, manifest: &str) {
    let plugin = directory.path().join(name);
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("__init__.py"), "").unwrap();
    fs::write(plugin.join("manifest.json"), manifest).unwrap();
}

async fn answer(response: axum::response::Response) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
