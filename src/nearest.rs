//! The most similar of several names.

/// Below this likeness, between 0 and 1, a name is no suggestion.
const LIKE_ENOUGH: f64 = 0.6;
/// A longer text, in bytes, is no name.
const LONGEST: usize = 64;

/// The candidate that `typed` most resembles; the first of several equals, none if nothing is near.
pub(crate) fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed = folded(typed);
    if typed.is_empty() || typed.len() > LONGEST {
        return None;
    }
    let mut best = (LIKE_ENOUGH, None);
    for candidate in candidates {
        let likeness = likeness(&typed, &folded(candidate));
        if likeness > best.0 || (likeness == best.0 && best.1.is_none()) {
            best = (likeness, Some(candidate));
        }
    }
    best.1
}

/// `name` without what spellings of one name differ in: dashes, underscores and capitals.
pub(crate) fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// Returns 1 for an abbreviation, else the share of letters that need no correction, and at least
/// [`LIKE_ENOUGH`] for the plural of a long abbreviation: `depends` for `dependencies`.
fn likeness(typed: &str, candidate: &str) -> f64 {
    let abbreviates = |short: &str, long: &str| short.len() > 1 && long.starts_with(short);
    if abbreviates(typed, candidate) || (candidate.len() > 2 && abbreviates(candidate, typed)) {
        return 1.0;
    }
    let stem = typed.strip_suffix('s').filter(|stem| stem.len() > 4);
    let least =
        if stem.is_some_and(|stem| candidate.starts_with(stem)) { LIKE_ENOUGH } else { 0.0 };
    strsim::normalized_damerau_levenshtein(typed, candidate).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_and_abbreviations_are_recognised() {
        let names = ["project", "priority", "maxResults", "summary", "dependencies"];
        assert_eq!(nearest("proj", names), Some("project"));
        assert_eq!(nearest("max-result", names), Some("maxResults"));
        assert_eq!(nearest("sumary", names), Some("summary"));
        assert_eq!(nearest("smumary", names), Some("summary"));
        assert_eq!(nearest("depends", names), Some("dependencies"));
        for nothing in ["", "p", "--", "colour", "日本", &"project".repeat(20)] {
            assert_eq!(nearest(nothing, names), None, "{nothing}");
        }
    }
}
