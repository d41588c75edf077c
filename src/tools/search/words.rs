//! The words of texts and names: lower case, by stem, with a list of synonyms.
//!
//! Stems are those of English plurals and participles, and only of ASCII words. To add synonyms: a line in [`SYNONYMS`],
//! none that only one plugin would use.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Words that tell nothing about a command.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been",
    "before", "but", "by", "can", "could", "did", "do", "does", "doing", "for", "from", "had",
    "has", "have", "having", "he", "her", "him", "his", "how", "i", "if", "in", "into", "is", "it",
    "its", "just", "me", "more", "most", "my", "no", "not", "of", "on", "or", "our", "out", "over",
    "own", "please", "she", "should", "so", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "to", "too", "us", "very", "was", "we",
    "were", "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with",
    "would", "you", "your",
];

/// Words of which each finds the others.
const SYNONYMS: &[&[&str]] = &[
    &["add", "create", "insert", "make", "new"],
    &["delete", "destroy", "drop", "erase", "remove"],
    &["display", "get", "print", "read", "show", "view"],
    &["find", "look", "lookup", "query", "search"],
    &["change", "edit", "modify", "update"],
    &["begin", "launch", "run", "start"],
    &["abort", "cancel", "end", "kill", "stop", "terminate"],
    &["mail", "post", "send"],
    &["move", "transfer"],
    &["close", "complete", "finish", "resolve"],
    &["put", "save", "store"],
    &["download", "fetch", "get", "pull"],
    &["push", "put", "upload"],
    &["recover", "restore", "revert", "undo"],
    &["clone", "copy", "duplicate"],
    &["combine", "join", "merge", "unite"],
    &["answer", "reply", "respond"],
    &["bug", "issue", "ticket"],
    &["email", "mail", "message"],
    &["repo", "repository"],
    &["k8s", "kubernetes"],
    &["database", "db"],
    &["dir", "directory", "folder"],
    &["image", "photo", "picture", "screenshot"],
    &["pr", "pull"],
    &["appointment", "event", "meeting"],
    &["crash", "error", "exception", "failure"],
    &["client", "customer"],
    &["holiday", "leave", "vacation"],
    &["config", "configuration", "setting"],
    &["env", "environment"],
    &["credential", "password", "secret"],
    &["memory", "ram"],
    &["host", "machine", "server", "vm"],
    &["bill", "cost", "price"],
    &["package", "parcel", "shipment"],
    &["account", "user"],
];

/// The synonyms by stem.
static BY_STEM: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut by_stem: HashMap<String, Vec<String>> = HashMap::new();
    for group in SYNONYMS {
        for word in *group {
            let others = group.iter().filter(|other| *other != word);
            let stems = others.map(|other| stem((*other).to_owned()));
            by_stem.entry(stem((*word).to_owned())).or_default().extend(stems);
        }
    }
    by_stem
});

/// Returns the words of a text, in order.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || is_apostrophe(c);
    text.split(|c| !is_part(c)).filter_map(word).collect()
}

/// Returns the words of an identifier: `maxResults` is `max`, `result` and, as it may be typed so, `maxresult`.
pub(super) fn of_name(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()) {
        let humps = humps(part);
        if humps.len() > 1 {
            words.extend(humps.into_iter().filter_map(word));
        }
        words.extend(word(part));
    }
    words
}

/// True for a word that tells nothing about a command.
pub(super) fn is_common(word: &str) -> bool {
    word.len() == 1 || COMMON.binary_search(&word).is_ok()
}

/// Returns the synonyms of a stem, as stems.
pub(super) fn synonyms(stem: &str) -> impl Iterator<Item = &'static str> + use<> {
    BY_STEM.get(stem).into_iter().flatten().map(String::as_str)
}

/// The word of one run of characters: without apostrophes, so that `won't` is not `won`.
fn word(text: &str) -> Option<String> {
    let word: String =
        text.chars().filter(|&c| !is_apostrophe(c)).flat_map(char::to_lowercase).collect();
    let is_plain = word.is_empty() || COMMON.binary_search(&word.as_str()).is_ok();
    Some(if is_plain { word } else { stem(word) }).filter(|word| !word.is_empty())
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// The parts of camel case: `HTTPServer2` is `HTTP` and `Server2`.
fn humps(name: &str) -> Vec<&str> {
    let characters: Vec<(usize, char)> = name.char_indices().collect();
    let mut humps = Vec::new();
    let mut start = 0;
    for window in characters.windows(2).enumerate() {
        let (at, &[(_, before), (offset, c)]) = window else { continue };
        let is_next_lower = characters.get(at + 2).is_some_and(|(_, next)| next.is_lowercase());
        if c.is_uppercase() && (!before.is_uppercase() || is_next_lower) {
            humps.push(&name[start..offset]);
            start = offset;
        }
    }
    humps.push(&name[start..]);
    humps
}

/// The stem that singular and plural, verb and participle have in common; no word of a dictionary.
fn stem(mut word: String) -> String {
    if !word.is_ascii() {
        return word;
    }
    let length = word.len();
    if length > 4 && word.ends_with("ies") {
        word.replace_range(length - 3.., "y");
    } else if length > 4
        && ["ches", "shes", "sses", "xes", "zes"].iter().any(|end| word.ends_with(end))
    {
        word.truncate(length - 2);
    } else if length > 3
        && word.ends_with('s')
        && !["is", "ss", "us"].iter().any(|end| word.ends_with(end))
    {
        word.truncate(length - 1);
    }
    for end in ["ing", "ed"] {
        let Some(rest) = word.strip_suffix(end) else { continue };
        if rest.len() > 2 && rest.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            word.truncate(rest.len());
            undouble(&mut word);
        }
    }
    if word.len() > 3 && word.ends_with('e') {
        word.pop();
    }
    if word.len() > 2 && word.ends_with('y') {
        word.replace_range(word.len() - 1.., "i");
    }
    word
}

/// Leaves one of two last letters that are alike: `stopp` of `stopped`, but `pass` of `passed`.
fn undouble(word: &mut String) {
    if let [.., last, end] = word.as_bytes()
        && last == end
        && !matches!(end, b'l' | b's' | b'z')
    {
        word.pop();
    }
}
