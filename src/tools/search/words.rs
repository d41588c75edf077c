//! The words of texts and names: lower case, by stem, with a list of synonyms.
//!
//! To add synonyms: a line in [`SYNONYMS`], none that only one plugin would use.

use std::collections::HashMap;
use std::sync::LazyLock;

use snowball_stemmers_rs::{Algorithm, Stemmer};

/// Words without a meaning of their own, sorted.
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

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// The synonyms by stem.
static BY_STEM: LazyLock<HashMap<String, Vec<String>>> = LazyLock::new(|| {
    let mut by_stem: HashMap<String, Vec<String>> = HashMap::new();
    for group in SYNONYMS {
        for word in *group {
            let others = group.iter().filter(|other| *other != word);
            let stems = others.map(|other| stem(other));
            by_stem.entry(stem(word)).or_default().extend(stems);
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

/// True for a word without a meaning of its own, or a single letter.
pub(super) fn is_common(word: &str) -> bool {
    word.len() == 1 || COMMON.binary_search(&word).is_ok()
}

/// Returns the synonyms of a stem, as stems.
pub(super) fn synonyms(stem: &str) -> impl Iterator<Item = &'static str> + use<> {
    BY_STEM.get(stem).into_iter().flatten().map(String::as_str)
}

/// The word of one run of characters: without apostrophes, so that `won't` is not `won`.
fn word(text: &str) -> Option<String> {
    let mut word = text.to_lowercase();
    word.retain(|c| !is_apostrophe(c));
    let is_plain = word.is_empty() || COMMON.binary_search(&word.as_str()).is_ok();
    Some(if is_plain { word } else { stem(&word) }).filter(|word| !word.is_empty())
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

/// The stem that the forms of an English word have in common; no word of a dictionary.
fn stem(word: &str) -> String {
    STEMMER.stem(word).into_owned()
}
