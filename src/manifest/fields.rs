//! The fields of a manifest by section, for the hint after a typing mistake.

use super::REQUIRES_PYTHON;
use crate::nearest::nearest;

/// The fields of a manifest by section; the first section is the top level.
pub(super) const FIELDS: [(&str, &[&str]); 4] = [
    (
        "",
        &[
            "$schema",
            "name",
            "version",
            "description",
            "dependencies",
            REQUIRES_PYTHON,
            "daemon_version",
            "cli",
            "env",
            "agents",
            "daemon",
            "entry_point",
            "commands",
        ],
    ),
    ("cli", &["examples"]),
    ("daemon", &["loops", "load", "exclusive", "resident", "timeout", "timeouts", "limits"]),
    ("commands", &["call", "program", "summary", "agents", "method"]),
];
/// The fields of `daemon.limits`, a section of its own for the hint after a typing mistake.
pub(super) const LIMITS: [&str; 3] = ["concurrent", "waiting", "memory"];

/// Returns the field whose name most resembles that of the unknown `field` in the same section.
pub(super) fn similar(field: &str) -> Option<String> {
    let (section, name) = field.rsplit_once('.').unwrap_or(("", field));
    let kind = section.split('.').next().unwrap_or_default();
    let names = match section {
        "daemon.limits" => &LIMITS[..],
        _ => FIELDS.iter().find(|(section, _)| *section == kind)?.1,
    };
    let similar = nearest(name, names.iter().copied())?;
    Some(if section.is_empty() { similar.to_owned() } else { format!("{section}.{similar}") })
}
