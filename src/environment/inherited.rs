//! The part of a program's environment that a daemon inherits.
//!
//! A daemon outlives the shell, the repository and the virtual environment it was started from, and serves others
//! after them. So it starts with the login's own environment: all variables but those of [`LEFT_OUT`], and `PATH`
//! without the directories of [`LEFT_OUT_OF_PATH`]. All others are kept, because plugins read
//! variables of their own (`JIRA_URL`).
//!
//! To leave out another variable: a line in the table of its kind.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::supervision::VARIABLES;
use super::{Environment, PATH};

/// Variables of one kind that a daemon does not inherit.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    /// Their kind.
    pub what: &'static str,
    /// Their names; a `*` at the end matches any rest.
    pub names: &'static [&'static str],
    /// True if a daemon that stays in its terminal inherits them.
    pub kept_on_terminal: bool,
}

/// Variables that a daemon does not inherit, by kind.
pub const LEFT_OUT: [LeftOut; 7] = [
    LeftOut::always("a repository, or a hook that runs in it", REPOSITORY),
    LeftOut::always("a virtual environment", VENV),
    LeftOut::always("a build, a test run or a task of a project", TASK),
    LeftOut::always("a shell", SHELL),
    LeftOut { what: "a terminal and its session", names: TERMINAL, kept_on_terminal: true },
    LeftOut::always("an editor or an agent", EDITOR),
    LeftOut::always("a service manager", VARIABLES),
];

/// Directories that are not on the `PATH` a daemon inherits: the variable that names each, and a subdirectory.
pub const LEFT_OUT_OF_PATH: [(&str, &str); 3] =
    [("VIRTUAL_ENV", "bin"), ("CONDA_PREFIX", "bin"), ("GIT_EXEC_PATH", "")];

/// The conda environment that many logins activate: its directory stays on `PATH`.
const CONDA_BASE: (&str, &str) = ("CONDA_DEFAULT_ENV", "base");

/// The output of `git rev-parse --local-env-vars`, and the variables of git for hooks, editors and helpers.
const REPOSITORY: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_AUTHOR_*",
    "GIT_COMMITTER_*",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_*",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_VALUE_*",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_*",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER_IN_USE",
    "GIT_PREFIX",
    "GIT_PROTOCOL",
    "GIT_PUSH_OPTION_*",
    "GIT_QUARANTINE_PATH",
    "GIT_REFLOG_ACTION",
    "GIT_REPLACE_REF_BASE",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    "HG_*",
    "PRE_COMMIT",
    "PRE_COMMIT_FROM_REF",
    "PRE_COMMIT_ORIGIN",
    "PRE_COMMIT_REMOTE_*",
    "PRE_COMMIT_SOURCE",
    "PRE_COMMIT_TO_REF",
];

const VENV: &[&str] = &[
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "CONDA_PREFIX_*",
    "CONDA_PROMPT_MODIFIER",
    "CONDA_SHLVL",
    "HATCH_ENV_ACTIVE",
    "PIPENV_ACTIVE",
    "PIXI_ENVIRONMENT_*",
    "PIXI_IN_SHELL",
    "PIXI_PROJECT_*",
    "PIXI_PROMPT",
    "POETRY_ACTIVE",
    "PYENV_DIR",
    "PYENV_VERSION",
    "PYENV_VIRTUAL_ENV",
    "PYTHONBREAKPOINT",
    "PYTHONDEBUG",
    "PYTHONDEVMODE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONEXECUTABLE",
    "PYTHONHASHSEED",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONNOUSERSITE",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
    "PYTHONUNBUFFERED",
    "PYTHONVERBOSE",
    "PYTHONWARNINGS",
    "UV",
    "UV_ENV_FILE",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_RUN_RECURSION_DEPTH",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "_CE_*",
    "_OLD_VIRTUAL_*",
    "__PYVENV_LAUNCHER__",
];

const TASK: &[&str] = &[
    "CARGO",
    "CARGO_BIN_*",
    "CARGO_CFG_*",
    "CARGO_CRATE_NAME",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_*",
    "CARGO_MAKEFLAGS",
    "CARGO_MANIFEST_*",
    "CARGO_PKG_*",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "DIRENV_*",
    "GNUMAKEFLAGS",
    "INIT_CWD",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MAKE_TERMERR",
    "MAKE_TERMOUT",
    "MFLAGS",
    "MISE_SHELL",
    "NOX_CURRENT_SESSION",
    "PYTEST_*",
    "RUSTUP_TOOLCHAIN",
    "RUST_RECURSION_COUNT",
    "TOX_*",
    "__MISE_*",
    "npm_*",
];

const SHELL: &[&str] = &[
    "BASHOPTS",
    "BASH_FUNC_*",
    "OLDPWD",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "SHELLOPTS",
    "SHLVL",
    "_",
];

/// The daemon has no terminal, and answers callers that have another one each.
const TERMINAL: &[&str] = &[
    "ALACRITTY_*",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORFGBG",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "GPG_TTY",
    "ITERM_*",
    "KITTY_*",
    "KONSOLE_*",
    "LC_TERMINAL*",
    "LINES",
    "NO_COLOR",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "STY",
    "TERM",
    "TERMCAP",
    "TERM_*",
    "TMUX",
    "TMUX_*",
    "VTE_VERSION",
    "WEZTERM_*",
    "WINDOW",
    "WINDOWID",
    "WT_*",
    "ZELLIJ*",
];

const EDITOR: &[&str] = &[
    "BUNDLED_DEBUGPY_PATH",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_ENV_FILE",
    "CLAUDE_PLUGIN_ROOT",
    "CLAUDE_PROJECT_DIR",
    "INSIDE_EMACS",
    "NVIM",
    "NVIM_LISTEN_ADDRESS",
    "PYCHARM_HOSTED",
    "PYDEVD_*",
    "VIM",
    "VIMRUNTIME",
    "VSCODE_*",
];

impl LeftOut {
    const fn always(what: &'static str, names: &'static [&'static str]) -> LeftOut {
        LeftOut { what, names, kept_on_terminal: false }
    }
}

impl Environment {
    /// Returns the login's own part: without [`LEFT_OUT`] and [`LEFT_OUT_OF_PATH`].
    ///
    /// `on_terminal` is true for a daemon that stays in the terminal it was started from; it keeps that terminal's
    /// variables.
    #[must_use]
    pub fn inherited(&self, on_terminal: bool) -> Environment {
        let is_kept = |name: &OsStr| {
            let name = name.as_encoded_bytes();
            let mut kinds = LEFT_OUT.iter().filter(|kind| !(on_terminal && kind.kept_on_terminal));
            !kinds.any(|kind| kind.names.iter().any(|pattern| matches(pattern, name)))
        };
        let mut own: Environment = self
            .into_iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(path) = self.inherited_path() {
            own.vars.insert(PATH.into(), path);
        }
        own
    }

    /// Returns `PATH` without [`LEFT_OUT_OF_PATH`]; none where it has none of these.
    fn inherited_path(&self) -> Option<OsString> {
        let left_out: Vec<PathBuf> = LEFT_OUT_OF_PATH
            .iter()
            .filter(|(name, _)| {
                *name != "CONDA_PREFIX" || self.get(CONDA_BASE.0) != Some(CONDA_BASE.1)
            })
            .filter_map(|(name, below)| Some(PathBuf::from(self.get(name)?).join(below)))
            .collect();
        // Compared by components: a slash at the end makes no difference.
        let (out, kept): (Vec<_>, Vec<_>) =
            self.search_path().partition(|entry| left_out.contains(entry));
        if out.is_empty() { None } else { std::env::join_paths(kept).ok() }
    }
}

/// True if `name` is `pattern`, or begins with what is before its `*`.
fn matches(pattern: &str, name: &[u8]) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name == pattern.as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(vars: &[(&str, &str)]) -> Environment {
        vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn names(env: &Environment) -> Vec<&str> {
        env.into_iter().filter_map(|(name, _)| name.to_str()).collect()
    }

    #[test]
    fn what_belongs_to_repository_shell_and_venv_is_left_out_and_all_else_kept() {
        let env = environment(&[
            ("BASH_FUNC_f%%", "x"),
            ("GIT_INDEX_FILE", "x"),
            ("GIT_SSH_COMMAND", "x"),
            ("GIT_TOKEN", "x"),
            ("JIRA_URL", "x"),
            ("PYTHONPATH", "x"),
            ("PYTHON_KEYRING_BACKEND", "x"),
            ("SKILLS_DAEMON_PLUGINS", "x"),
            ("TERM", "x"),
            ("TERMINFO", "x"),
            ("UV_INDEX_URL", "x"),
            ("UV_PROJECT", "x"),
            ("_", "x"),
            ("npm_package_name", "x"),
        ]);
        let kept = [
            "GIT_SSH_COMMAND",
            "GIT_TOKEN",
            "JIRA_URL",
            "PYTHON_KEYRING_BACKEND",
            "SKILLS_DAEMON_PLUGINS",
            "TERMINFO",
            "UV_INDEX_URL",
        ];
        assert_eq!(names(&env.inherited(false)), kept);
        assert!(names(&env.inherited(true)).contains(&"TERM"));
    }

    #[test]
    fn directories_of_what_is_left_out_are_not_on_path() {
        let path =
            |vars: &[(&str, &str)]| environment(vars).inherited(false).get(PATH).map(str::to_owned);
        assert_eq!(
            path(&[("PATH", "/p/.venv/bin/:/usr/bin::/bin"), ("VIRTUAL_ENV", "/p/.venv")]),
            Some("/usr/bin::/bin".to_owned())
        );
        let conda = [("PATH", "/c/bin:/bin"), ("CONDA_PREFIX", "/c")];
        assert_eq!(path(&conda), Some("/bin".to_owned()));
        let base = [&conda[..], &[("CONDA_DEFAULT_ENV", "base")]].concat();
        assert_eq!(path(&base), Some("/c/bin:/bin".to_owned()));
        assert_eq!(path(&[("PATH", "/bin"), ("VIRTUAL_ENV", "")]), Some("/bin".to_owned()));
        assert_eq!(path(&[]), None);
    }

    #[test]
    fn each_table_is_in_order_and_names_nothing_twice() {
        for kind in LEFT_OUT {
            assert!(kind.names.is_sorted_by(|a, b| a < b), "{}", kind.what);
        }
    }
}
