//! The forms of names in a manifest.

/// True for `package.module:object`.
pub(super) fn is_object_reference(text: &str) -> bool {
    matches!(text.split_once(':'), Some((module, object)) if !module.is_empty() && !object.is_empty())
}

/// True for 1 to 64 letters, digits, `-`, `_` and `.`, neither `-` nor `.` first.
fn is_word(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(fits) && !name.starts_with(['-', '.'])
}

/// Checks that `name` can be a segment of a path and a word on a command line.
pub(super) fn check_command(name: &str) -> Result<(), String> {
    if !is_word(name) {
        return Err(format!(
            "`{name}` cannot be a command's name: 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, not `-` or `.` first"
        ));
    }
    Ok(())
}

/// Checks that `name` can be a URL prefix and a shell command.
///
/// # Errors
/// The name and the rule that it breaks.
pub fn check_name(name: &str) -> Result<(), String> {
    const RESERVED: [&str; 12] = [
        "deps",
        "docs",
        "health",
        "mcp",
        "metrics",
        "openapi.json",
        "plugins",
        "reload-plugins",
        "shutdown",
        "skills-client",
        "skills-daemon",
        "tools",
    ];
    if !is_word(name) {
        return Err(format!(
            "`{name}` cannot be a plugin's name: 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, not `-` or `.` first"
        ));
    }
    if RESERVED.contains(&name) {
        return Err(format!("`{name}` cannot be a plugin's name: it is reserved for the daemon"));
    }
    Ok(())
}
/// True for the name of an environment variable, or the begin of names followed by `*`.
pub(super) fn is_variable(pattern: &str) -> bool {
    let name = pattern.strip_suffix('*').unwrap_or(pattern);
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) && name.chars().all(is_name)
}
