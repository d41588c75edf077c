//! The metadata of a plugin: its name and its commands.
//!
//! Python describes a plugin once, when it is loaded ([`Report`]); routes, argument parsing, help and OpenAPI are
//! derived from the [`Description`] made of that. FastAPI's own OpenAPI document is the source for routers,
//! because it is public and stable where the router's internals are not.

mod docstring;
mod report;

use serde::{Deserialize, Serialize};

use crate::command::{Command, PathTemplate, Purpose};

pub use report::Report;

/// A plugin and its commands.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The plugin's name: its URL prefix and its shell command.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// One line about the plugin; may be empty.
    pub description: String,
    /// How its handlers are written.
    pub style: Style,
    /// Commands in the order of the OpenAPI document, one per method and path.
    pub commands: Vec<Command>,
    /// Commands of routes that the OpenAPI document leaves out: only requests over HTTP reach them, and agents those that
    /// are resources and prompts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Command>,
    /// Routes in order of declaration; a request is for the first that fits.
    pub routes: Vec<Route>,
    /// Examples from the manifest, whole shell lines.
    pub examples: Vec<String>,
    /// Problems found while the plugin was described, none of which keeps it from serving.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How the handlers of a plugin are written.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// As routes of a FastAPI router.
    #[default]
    Router,
    /// As plain functions.
    Functions,
}

/// One route, whatever it serves.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Path below the plugin's prefix; absent where it is not known what the route matches.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub path: Option<PathTemplate>,
    /// Methods that it answers; absent for all, as a mounted application does.
    pub methods: Option<Vec<String>>,
}

impl Description {
    /// The command at `index`, hidden ones after the others.
    pub fn command(&self, index: usize) -> Option<&Command> {
        match index.checked_sub(self.commands.len()) {
            None => self.commands.get(index),
            Some(index) => self.hidden.get(index),
        }
    }

    /// All commands with their indices, hidden ones after the others.
    pub fn all_commands(&self) -> impl Iterator<Item = (usize, &Command)> {
        self.commands.iter().chain(&self.hidden).enumerate()
    }

    /// The resources and prompts, with their indices.
    pub fn offered(&self) -> impl Iterator<Item = (usize, &Command)> {
        self.all_commands().filter(|(_, command)| command.purpose != Purpose::Command)
    }

    /// True if a request for `path` with the method of `command` is certain to reach that command: no route that
    /// was declared before it may answer.
    pub fn reaches(&self, command: &Command, path: &[String]) -> bool {
        let may_answer = |route: &Route| {
            let takes = route.methods.as_ref().is_none_or(|all| all.contains(&command.method));
            let template = route.path.as_ref().filter(|_| route.methods.is_some());
            takes && template.is_none_or(|template| template.matches(path).unwrap_or(true))
        };
        let earlier = self.routes.iter().take(command.route);
        command.path.matches(path) == Some(true) && !earlier.into_iter().any(may_answer)
    }
}
