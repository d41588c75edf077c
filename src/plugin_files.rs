//! Which files belong to a plugin: the one definition for the fingerprint of a plugin and for watching it.
//!
//! To them belong the modules that it has imported from outside its directory, as far as they are not of a package that
//! is installed. Whether a module is one shows only when it is imported; all else shows by its name.
//!
//! A plugin's directory also holds what is neither its code nor its data: compiled modules, version control, virtual
//! environments, logs and databases that it writes, and the temporary files of editors. To count another kind of file:
//! its extension in [`EXTENSIONS`].

use std::ffi::OsStr;
use std::path::Path;

/// Directories that hold many files and no plugins.
pub const SKIPPED: [&str; 5] = [".git", "node_modules", ".venv", "venv", "__pycache__"];

/// The extensions of code, of settings, of templates and of data that a plugin reads when it is loaded.
const EXTENSIONS: [&str; 20] = [
    "py", "json", "toml", "yaml", "yml", "ini", "cfg", "sql", "graphql", "html", "xml", "j2",
    "jinja", "jinja2", "tmpl", "tpl", "mustache", "csv", "txt", "md",
];

/// Copies that a checker of an editor makes beside the file and removes at once.
const COPIES: [&str; 2] = ["flycheck_", "flymake_"];

/// True for the name of a file that belongs to a plugin.
///
/// Editors' temporary files (`.x.py.swp`, `x.py~`, `#x.py#`, `x.py___jb_tmp___`, `x.py.tmp.12`, `4913`) have another
/// extension, or are hidden.
pub fn belongs(name: &OsStr) -> bool {
    let Some(text) = name.to_str() else { return false };
    let extension = Path::new(text).extension().and_then(OsStr::to_str);
    !text.starts_with('.')
        && !COPIES.iter().any(|copy| text.starts_with(copy))
        && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// True for the name of a directory below a plugin's that may hold files of the plugin.
pub fn is_searched(name: &OsStr) -> bool {
    name.to_str().is_none_or(|name| !SKIPPED.contains(&name) && !name.starts_with('.'))
}

/// The most modules of a plugin outside its directory.
pub const MODULES_MAX: usize = 1_000;

/// The directories of installed packages, which are no plugin's own wherever they lie.
const INSTALLED: [&str; 2] = ["site-packages", "dist-packages"];

/// True for a module that counts as a file of the plugin at `plugin` though it lies outside its directory; both are
/// real paths.
pub fn is_module_outside(plugin: &Path, module: &Path) -> bool {
    let is_installed = module.iter().any(|part| INSTALLED.iter().any(|name| part == *name));
    !is_installed && !module.starts_with(plugin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_data_belong_and_nothing_else() {
        for (name, expected) in [
            ("__init__.py", true),
            ("manifest.json", true),
            ("query.sql", true),
            ("page.html.j2", true),
            ("prompt.md", true),
            (".x.py.swp", false),
            (".#x.py", false),
            ("#x.py#", false),
            ("x.py~", false),
            ("4913", false),
            ("x.py___jb_tmp___", false),
            ("x.py___jb_old___", false),
            ("x.py.tmp.4711", false),
            (".goutputstream-AB12CD", false),
            ("sedB2Kx9Q", false),
            ("flycheck_x.py", false),
            ("x.cpython-311.pyc", false),
            ("cache.sqlite3", false),
            ("debug.log", false),
            ("README", false),
            (".env", false),
        ] {
            assert_eq!(belongs(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn directories_of_tools_are_not_searched() {
        for (name, expected) in [
            ("lib", true),
            ("templates.d", true),
            ("__pycache__", false),
            (".git", false),
            (".venv", false),
            ("venv", false),
            ("node_modules", false),
            (".mypy_cache", false),
        ] {
            assert_eq!(is_searched(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn modules_outside_are_those_of_no_directory_that_is_installed() {
        for (plugin, module, expected) in [
            ("/s/skills_plugin", "/s/lib/client.py", true),
            ("/s/skills_plugin", "/s/skills_plugin/lib/client.py", false),
            ("/s/skills_plugin", "/s/skills_plugin/.venv/x.py", false),
            ("/s/skills_plugin", "/s/skills_plugins.py", true),
            ("/s/one.py", "/s/one.py", false),
            ("/s/one.py", "/s/two.py", true),
            ("/s/p", "/s/.venv/lib/python3.11/site-packages/x/y.py", false),
            ("/s/p", "/usr/lib/python3/dist-packages/x.py", false),
        ] {
            let found = is_module_outside(Path::new(plugin), Path::new(module));
            assert_eq!(found, expected, "{plugin} {module}");
        }
    }
}
