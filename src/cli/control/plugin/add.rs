//! `skills-daemon plugin add`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::super::link::warn_of_path;
use super::super::status::count;
use super::super::{Context, listing};
use super::added::{AddedPlugins, Content};
use super::{existing, no_plugin, outcome};
use crate::discovery::{self, Origin, PluginSource};
use crate::failure::{Failure, Kind};
use crate::lifecycle::{self, Request};
use crate::manifest::{self, Manifest, ManifestError};
use crate::settings::Settings;
use crate::wanted;
use crate::wire::deps::{self, Trial};
use crate::wrappers::{self, WrapperState, Wrappers};

#[derive(Args)]
pub(super) struct Arguments {
    /// A manifest (*.json), which is copied; or a script (*.py) or the directory of a plugin, which is linked to
    #[arg(value_name = "FILE-OR-DIR")]
    path: PathBuf,
    /// Replace a plugin that was added by the same name
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A plugin that is to be added.
struct Addition {
    /// Its name in the manifest, else that of its file or directory.
    name: String,
    content: Content,
    /// True if it requires packages.
    has_requirements: bool,
    /// Warnings about its manifest, and what it installs from elsewhere than the package index.
    warnings: Vec<String>,
}

impl Addition {
    /// The directory or file that is linked to.
    fn target(&self) -> Option<&Path> {
        match &self.content {
            Content::Manifest(_) => None,
            Content::Directory(target) | Content::Script(target) => Some(target),
        }
    }
}

/// Adds a plugin; exit status 1 if the daemon, which is started if none runs, cannot load it; it stays added.
pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = existing(&arguments.path)?;
    let addition = addition(context, &path)?;
    for warning in &addition.warnings {
        context.console.warning(warning);
    }
    let added = AddedPlugins::of(&context.paths);
    let place = added.place(&addition.name, &addition.content);
    let is_there = existing(&place).is_ok_and(|there| there == path)
        || addition.target().is_some_and(|own| existing(&place).is_ok_and(|there| there == *own));
    let mut paths = vec![addition.target().unwrap_or(&place).to_owned()];
    if !is_there {
        check_free(context, &added, &addition, arguments.force)?;
        check_requirements(context, &addition, &path, arguments.force)?;
        // The plugins that it replaces are unloaded.
        let entries = added.entries(&addition.name);
        paths.extend(entries.iter().filter_map(|entry| discovery::added_path(entry)));
        added.put(&addition.name, &addition.content)?;
    }
    report(context, &addition, &place, &paths, arguments.json)
}

/// Reads the plugin at `path` and checks it as far as that is possible without loading it.
fn addition(context: &Context, path: &Path) -> Result<Addition, Failure> {
    let package = match path.is_dir() {
        true => discovery::package_directory(path).ok_or_else(|| no_plugin(path))?,
        false => path.to_owned(),
    };
    let source = PluginSource::at(package, Origin::Added);
    let is_file = path.is_file();
    if is_file && !source.is_manifest() && !source.is_script() {
        let error = format!(
            "{} is neither a manifest (*.json) nor a script (*.py) nor a directory",
            path.display()
        );
        let hint = "`skills-daemon plugin new NAME` creates the directory of a plugin.";
        return Err(Failure::new(Kind::Usage, error).hint(hint));
    }
    let read = Manifest::read(&source.manifest).map_err(wrong)?;
    let manifest = read.unwrap_or_default();
    let mut warnings = manifest.warnings(&source.manifest);
    if manifest.needs_code() && (source.is_manifest() || !source.init_file().is_file()) {
        return Err(no_code(&source.manifest));
    }
    let name = manifest.name.clone().unwrap_or_else(|| source.working_name());
    check_name(&name, &source.manifest)?;
    warnings.extend(remarks(context, &source, &manifest, &name)?);
    let content = match (source.is_manifest(), is_file) {
        (true, _) => Content::Manifest(text(path)?),
        (false, true) => Content::Script(source.path),
        (false, false) => Content::Directory(source.path),
    };
    let has_requirements = !manifest.dependencies.is_empty();
    Ok(Addition { name, content, has_requirements, warnings })
}

fn text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::environment(format!("cannot read {}: {error}", path.display())))
}

/// Returns what the plugin installs from elsewhere than the package index.
fn remarks(
    context: &Context,
    source: &PluginSource,
    manifest: &Manifest,
    name: &str,
) -> Result<Vec<String>, Failure> {
    let settings = Settings::load(&context.paths.config_file(), &context.env)?;
    let party = wanted::party(source, manifest, name.to_owned(), &settings)?;
    let local = party.requirements.iter().find(|requirement| requirement.path().is_some());
    if let (Some(local), true) = (local, source.is_manifest()) {
        let error = format!(
            "`{}` of {} names a path beside it, and a manifest is copied when it is added",
            local.field,
            source.manifest.display()
        );
        let hint = "Add a directory with `manifest.json` in it, which is linked to.";
        return Err(Failure::new(Kind::Plugin, error).hint(hint));
    }
    let folder = source.manifest.parent().unwrap_or(Path::new("/"));
    Ok(party.remarks(folder))
}

fn wrong(error: ManifestError) -> Failure {
    Failure::new(Kind::Plugin, error.to_string())
        .hint("`skills-daemon plugin validate` lists all its errors.")
}

fn no_code(manifest: &Path) -> Failure {
    let error = format!(
        "{} has neither `commands` nor an `entry_point`, nor an `__init__.py` beside it",
        manifest.display()
    );
    Failure::new(Kind::Plugin, error).hint("Add one of them, or code in `__init__.py`.")
}

fn check_name(name: &str, manifest: &Path) -> Result<(), Failure> {
    manifest::check_name(name).map_err(|message| {
        Failure::new(Kind::Plugin, message)
            .hint(format!("Set another `name` in {}.", manifest.display()))
    })
}

/// Checks that the name is free, or that of a plugin that may be replaced.
fn check_free(
    context: &Context,
    added: &AddedPlugins,
    addition: &Addition,
    force: bool,
) -> Result<(), Failure> {
    let name = &addition.name;
    let taken = |path: &Path, hint: String| {
        let error = format!("another plugin is called '{name}': {}", path.display());
        Err(Failure::new(Kind::Usage, error).hint(hint))
    };
    let entries = added.entries(name);
    if let (Some(entry), false) = (entries.first(), force) {
        let path = entry.read_link().unwrap_or_else(|_| entry.clone());
        return taken(&path, "`--force` replaces it.".to_owned());
    }
    let same = |plugin: &listing::ListedPlugin| {
        addition.target().is_some_and(|own| plugin.lies_at(own))
            || entries.iter().any(|entry| plugin.lies_at(entry))
            // A plugin that was added by another name is recognised by its link.
            || entries.iter().filter_map(|entry| discovery::added_path(entry)).any(|own| plugin.lies_at(&own))
    };
    // Bundled plugins are not among them: they give way.
    for plugin in listing::found(context)?.iter().filter(|plugin| plugin.name == *name) {
        if !same(plugin) {
            return taken(
                &plugin.path,
                format!(
                    "Give one of them another `name`, or remove that one; {}",
                    match added.entry_of(&plugin.path) {
                        Some(_) => format!("`skills-daemon plugin remove {name}` does."),
                        None => "what was not added cannot be replaced by `--force`.".to_owned(),
                    }
                ),
            );
        }
    }
    Ok(())
}

/// Checks that the requirements can be satisfied beside those of the other plugins, before anything changes.
fn check_requirements(
    context: &Context,
    addition: &Addition,
    path: &Path,
    force: bool,
) -> Result<(), Failure> {
    if !addition.has_requirements {
        return Ok(());
    }
    lifecycle::ensure_running(&context.paths, &context.env, &context.console)?;
    let path = utf8_percent_encode(path.to_str().unwrap_or_default(), NON_ALPHANUMERIC);
    let target = format!("{}?{}={path}", deps::TRIAL, deps::PATH);
    let trial: Trial = match context.ask(&Request::post(&target)) {
        Ok(trial) => trial.unwrap_or_default(),
        // Without a network nothing is known: the daemon installs them once it can.
        Err(failure) if failure.kind == Kind::Environment => {
            context.console.warning(&failure.error);
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    match trial.refused {
        Some(reason) if force => {
            context.console.warning(&format!("{} is set aside: {reason}", addition.name));
            Ok(())
        }
        Some(reason) => {
            let error = format!("{} was not added: {reason}", addition.name);
            Err(Failure::new(Kind::Plugin, error).hint(
                "`--force` adds it all the same; it is loaded once its requirements can be satisfied.",
            ))
        }
        None => Ok(()),
    }
}

fn report(
    context: &Context,
    addition: &Addition,
    place: &Path,
    paths: &[PathBuf],
    as_json: bool,
) -> Result<ExitCode, Failure> {
    let path = &paths[0];
    let plugins = outcome::serve(context, paths)?;
    let plugin = outcome::at(&plugins, path);
    let name = plugin.map_or(&addition.name, |plugin| &plugin.name);
    let status = plugin.and_then(|plugin| plugin.status.as_ref());
    let failed = status.is_none_or(|status| status.state.failure().is_some());
    if as_json {
        context.print_json(&json!({
            "success": !failed,
            "name": name,
            "path": path,
            "added": place,
            "state": status.map(|status| status.state.word()),
            "commands": status.map(|status| status.commands),
            "detail": status.and_then(|status| status.state.detail()),
            "hint": status.and_then(|status| status.state.hint()),
        }))?;
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let style = context.console.out;
    context.print(&format!("{}added{}: {name} ({})", style.green, style.reset, place.display()));
    match status {
        None => context.print("The daemon does not find it: `skills-daemon status`."),
        Some(status) if failed => {
            let detail = status.state.detail().unwrap_or_default();
            context.print(&format!("{}Error:{} {detail}", style.red, style.reset));
        }
        Some(status) => {
            let commands = count(status.commands, "command");
            let is_linked = Wrappers::of(&context.paths)
                .is_ok_and(|wrappers| wrappers.state(name) == WrapperState::Current);
            let profile = context.paths.profile.as_ref();
            let program = match is_linked {
                true => wrappers::file_name(name, profile),
                false => wrappers::called(name, profile),
            };
            context.print(&format!("It serves {commands}: {program} --help"));
            if is_linked {
                warn_of_path(context);
            }
            if let Some(complaint) = status.state.detail() {
                context.console.warning(&complaint);
            }
        }
    }
    if let Some(hint) = status.and_then(|status| status.state.hint()) {
        context.print(&format!("  {}Hint: {hint}{}", style.dim, style.reset));
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
