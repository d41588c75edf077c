//! `skills-daemon plugin new`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::Context;
use super::templates;
use crate::failure::{Failure, Kind};
use crate::manifest::check_name;

#[derive(Args)]
pub(super) struct Arguments {
    /// The plugin's name, which is also its shell command
    name: String,
    /// Its directory; ./NAME unless given
    path: Option<PathBuf>,
    /// With a FastAPI router instead of plain functions
    #[arg(long)]
    fastapi: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let name = &arguments.name;
    check_name(name).map_err(|message| Failure::new(Kind::Usage, message))?;
    let directory = arguments.path.clone().unwrap_or_else(|| PathBuf::from(name));
    match fs::read_dir(&directory).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            let error = format!("{} is not empty", directory.display());
            let hint = format!("Name another place: `skills-daemon plugin new {name} PATH`.");
            return Err(Failure::new(Kind::Usage, error).hint(hint));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(unwritable(&directory, &error));
        }
        _ => {}
    }
    let mut written = Vec::new();
    for (file, text) in templates::files(name, arguments.fastapi) {
        let path = directory.join(file);
        let parent = path.parent().unwrap_or(&directory);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| unwritable(&path, &error))?;
        written.push(path);
    }
    if arguments.json {
        context.print_json(
            &json!({"success": true, "name": name, "path": directory, "files": written}),
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let style = context.console.out;
    for path in &written {
        context.print(&format!("{}written{}: {}", style.green, style.reset, path.display()));
    }
    let place = directory.display();
    context.print(&format!("Have it served: skills-daemon plugin add '{place}'"));
    context.print(&format!("Run its tests:  cd '{place}' && pytest"));
    Ok(ExitCode::SUCCESS)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::environment(format!("cannot write {}: {error}", path.display()))
}
