//! Names of tools, as all APIs take them: letters, digits, `_` and `-`, at most 64.

use std::collections::HashSet;

use crate::command::{Command, Segment};

/// The longest name, in characters: that of OpenAI and Anthropic.
const LONGEST: usize = 64;

/// Names that were given, no two alike.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Returns a name for the command, behind `prefix`.
    ///
    /// The first command of a name has it alone, others all fixed segments of their path, others of the same path have
    /// their method behind it, and those that still have the name of another one a number.
    pub(super) fn give(&mut self, prefix: &str, command: &Command) -> String {
        let plain = cleaned(&format!("{prefix}{}", command.name()), LONGEST);
        let fixed = command.path.segments().iter().filter_map(|segment| match segment {
            Segment::Fixed(text) => Some(text.as_str()),
            _ => None,
        });
        let whole = fixed.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("_");
        let whole = match whole.as_str() {
            "" => plain.clone(),
            whole => cleaned(&format!("{prefix}{whole}"), LONGEST),
        };
        let method = format!("_{}", command.method.to_ascii_lowercase());
        let with_method = shortened(&whole, &method);
        let numbered = (2..).map(|number| shortened(&with_method, &format!("_{number}")));
        let mut candidates =
            [plain.clone(), whole, with_method.clone()].into_iter().chain(numbered);
        let name = candidates.find(|name| !self.taken.contains(name)).unwrap_or(plain);
        self.taken.insert(name.clone());
        name
    }
}

/// Returns `name` with `end`, cut so that both fit.
fn shortened(name: &str, end: &str) -> String {
    format!("{}{end}", name.get(..LONGEST.saturating_sub(end.len())).unwrap_or(name))
}

fn cleaned(name: &str, longest: usize) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    name.chars().map(allowed).take(longest).collect()
}
