//! The routes that a request for help is about.

use crate::command::{Command, Segment};
use crate::description::Description;

/// Returns the name of the command or group `asked`, and its routes, the best first; none for an unknown name.
///
/// Superfluous words at the end of `asked` are ignored: `user bob` finds `user`.
pub(super) fn routes<'a>(
    description: &'a Description,
    asked: &str,
) -> Option<(String, Vec<&'a Command>)> {
    let words = asked.split(|c: char| c == '/' || c.is_whitespace());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let commands = || description.commands.iter();
    let called = |name: &str| commands().filter(|it| it.name() == name).collect::<Vec<_>>();
    let root = called("root");
    if name == "root" && !root.is_empty() {
        return Some((name, root));
    }
    let by_words = (1..=words.len()).rev().find_map(|count| {
        let words = words.get(..count)?;
        let name = words.join(" ");
        let begins = |command: &&Command| {
            // A segment may have spaces in it.
            let mut parts = command.path.fixed_prefix().flat_map(str::split_whitespace);
            words.iter().all(|word| parts.next() == Some(word))
        };
        let mut routes: Vec<&Command> = commands().filter(begins).collect();
        if !routes.is_empty() {
            let is_it = |it: &Command| it.name().split_whitespace().eq(words.iter().copied());
            routes.sort_by_key(|command| !is_it(command));
            return Some((name, routes));
        }
        let routes: Vec<&Command> = commands().filter(|command| leads_to(command, words)).collect();
        routes.first().map(|best| (best.name(), routes.clone()))
    });
    // A name of nothing but spaces has no words.
    by_words.or_else(|| Some((asked.to_owned(), called(asked))).filter(|(_, all)| !all.is_empty()))
}

/// True if `words` are a complete path of `command`, with values in the place of its parameters.
fn leads_to(command: &Command, words: &[&str]) -> bool {
    let parts: Vec<&Segment> = command.path.named_segments().collect();
    let rest = parts.last().is_some_and(|part| part.is_rest());
    let long_enough = parts.len() == words.len() || (rest && parts.len() < words.len());
    // A parameter at the very beginning would lead from any word to its command.
    let named = parts.first().is_some_and(|part| part.fixed().is_some());
    let fits = |(part, word): (&&Segment, &&str)| part.capture(word).is_some();
    named && long_enough && parts.iter().zip(words).all(fits)
}
