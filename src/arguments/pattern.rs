//! Matching of positionals against the path of a command.
//!
//! A `/` inside an argument splits it, as if two arguments had been typed. Where no reading of the line fits
//! that way, an argument with a `/` may fill a parameter of the path whole ([`Fit::whole`]): FastAPI's own
//! OpenAPI document does not distinguish `{name:path}` from `{name}`; the server does.

use crate::command::{Command, Segment};

/// A match of positionals against a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fit {
    /// The filled path.
    pub(super) segments: Vec<String>,
    /// The parameters of the path and their values.
    pub(super) values: Vec<(String, String)>,
    /// Number of positionals in the path.
    pub(super) words: usize,
    /// True if an argument with a slash filled one parameter.
    pub(super) whole: bool,
    /// True if an option filled a parameter.
    pub(super) named: bool,
}

/// Returns all matches of the first of `words` against the path of `command`; `option` returns the value of a
/// path parameter that was typed as an option.
pub(super) fn fits<'a>(
    command: &Command,
    words: &[&str],
    option: &dyn Fn(&str) -> Option<&'a str>,
) -> Vec<Fit> {
    let mut search =
        Search { pieces: pieces(words), words: words.len(), option, found: Vec::new() };
    let segments: Vec<&Segment> = command.path.named_segments().collect();
    search.step(&segments, 0, Fit::default());
    if command.path.as_str().ends_with('/') {
        search.found.iter_mut().for_each(|fit| fit.segments.push(String::new()));
    }
    search.found
}

/// A positional, or the text between two slashes of it.
#[derive(Debug)]
struct Piece<'a> {
    text: &'a str,
    /// Index of the positional that it is part of.
    word: usize,
    /// The whole positional, if this is its first piece.
    begins: Option<&'a str>,
    /// True for an empty piece of a split positional, as in `/issue/`; false for an empty positional, which is a
    /// value.
    gap: bool,
}

fn pieces<'a>(words: &[&'a str]) -> Vec<Piece<'a>> {
    let of = |(word, whole): (usize, &&'a str)| {
        let (whole, split) = (*whole, whole.contains('/'));
        whole.split('/').enumerate().map(move |(at, text)| Piece {
            text,
            word,
            begins: (at == 0).then_some(whole),
            gap: split && text.is_empty(),
        })
    };
    words.iter().enumerate().flat_map(of).collect()
}

/// The search for all matches.
struct Search<'s, 'a> {
    pieces: Vec<Piece<'s>>,
    words: usize,
    option: &'s dyn Fn(&str) -> Option<&'a str>,
    found: Vec<Fit>,
}

impl Search<'_, '_> {
    /// Matches `segments` against the pieces from `at` on; `fit` is the match of the ones before.
    fn step(&mut self, segments: &[&Segment], at: usize, fit: Fit) {
        let Some((&segment, later)) = segments.split_first() else {
            return self.end(at, fit);
        };
        if let Some(name) = segment.parameter()
            && let Some(value) = (self.option)(name)
        {
            let fit = Fit { named: true, ..fit };
            return match segment.is_rest() {
                true => self.step(later, at, fit.with(value.split('/'), &[(name, value)])),
                false if value.is_empty() => {}
                false => self.step(later, at, fit.with([value], &[(name, value)])),
            };
        }
        if let Some(name) = segment.parameter().filter(|_| segment.is_rest()) {
            return self.rest(name, later, at, &fit);
        }
        let gaps = self.pieces[at..].iter().take_while(|piece| piece.gap).count();
        if let Some(piece) = self.pieces.get(at + gaps)
            && let Some(values) = segment.capture(piece.text)
        {
            let fit = fit.with([piece.text], &values);
            self.step(later, at + gaps + 1, fit);
        }
        if let Some(name) = segment.parameter()
            && let Some(whole) = self.pieces.get(at).and_then(|piece| piece.begins)
            && whole.contains('/')
        {
            let next = at + whole.split('/').count();
            let fit = Fit { whole: true, ..fit.with([whole], &[(name, whole)]) };
            self.step(later, next, fit);
        }
    }

    /// Matches a `{name:path}`, which takes at least one piece and leaves one for each later segment.
    fn rest(&mut self, name: &str, later: &[&Segment], at: usize, fit: &Fit) {
        let end = self.pieces.len().saturating_sub(later.len());
        if end <= at {
            return;
        }
        let taken: Vec<&str> = self.pieces[at..end].iter().map(|piece| piece.text).collect();
        let value = taken.join("/");
        let fit = fit.with(taken, &[(name, &value)]);
        self.step(later, end, fit);
    }

    /// Accepts a filled path if it ends where an argument ends, or only slashes follow in that argument.
    fn end(&mut self, at: usize, fit: Fit) {
        let within = |piece: &&Piece| piece.begins.is_none();
        let mut unfinished = self.pieces[at.min(self.pieces.len())..].iter().take_while(within);
        if unfinished.all(|piece| piece.gap) {
            let next = self.pieces[at.min(self.pieces.len())..].iter().find(|p| p.begins.is_some());
            let words = next.map_or(self.words, |piece| piece.word);
            self.found.push(Fit { words, ..fit });
        }
    }
}

impl Fit {
    /// Returns the match extended by `segments` and `values`.
    fn with<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a str>,
        values: &[(&str, &str)],
    ) -> Fit {
        let mut fit = self.clone();
        fit.segments.extend(segments.into_iter().map(str::to_owned));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        fit.values.extend(values.iter().map(owned));
        fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(path: &str, words: &[&str]) -> Vec<(Vec<String>, usize, bool)> {
        let command = Command { path: path.into(), ..Command::default() };
        let fits = fits(&command, words, &|_| None);
        fits.into_iter().map(|fit| (fit.segments, fit.words, fit.whole)).collect()
    }

    fn one(path: &str, words: &[&str]) -> Vec<String> {
        let found = all(path, words);
        assert_eq!(found.len(), 1, "{path} {words:?}: {found:?}");
        found.into_iter().next().unwrap_or_default().0
    }

    #[test]
    fn a_fit_has_the_values_of_the_parameters() {
        let command = Command { path: "/v{major}/{key}/{rest:path}".into(), ..Command::default() };
        let fits = fits(&command, &["v2", "K/a", "b"], &|_| None);
        let values = |fit: &Fit| {
            fit.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(values(&fits[0]), ["major=2", "key=K", "rest=a/b"]);
    }

    #[test]
    fn slashes_split_and_superfluous_ones_do_not_matter() {
        for words in [&["issue", "A-1"][..], &["issue/A-1"], &["/issue/A-1/"], &["issue//A-1"]] {
            assert_eq!(one("/issue/{key}", words), ["issue", "A-1"]);
        }
        assert!(all("/issue/{key}", &["issue", ""]).is_empty());
        assert!(all("/issue/{key}", &["issue/"]).is_empty());
        assert!(all("/issue/{key}", &["issues", "A-1"]).is_empty());
    }

    #[test]
    fn an_argument_fills_a_parameter_whole_where_splitting_does_not_fit() {
        assert_eq!(
            all("/status/{name}", &["status", "In/Progress"]),
            [(vec!["status".into(), "In/Progress".into()], 2, true)]
        );
        assert_eq!(
            all("/x/{a}/{b}", &["x", "p/q", "r"]),
            [
                (vec!["x".into(), "p".into(), "q".into()], 2, false),
                (vec!["x".into(), "p/q".into(), "r".into()], 3, true)
            ]
        );
    }

    #[test]
    fn a_path_parameter_takes_the_rest() {
        assert_eq!(one("/f/{p:path}", &["f", "/etc/x", "y"]), ["f", "", "etc", "x", "y"]);
        assert_eq!(one("/f/{p:path}/meta", &["f", "a/b", "meta"]), ["f", "a", "b", "meta"]);
        assert_eq!(one("/f/{p:path}", &["f", ""]), ["f", ""]);
        assert!(all("/f/{p:path}", &["f"]).is_empty());
    }

    #[test]
    fn parameters_among_fixed_text_and_convertors_are_understood() {
        assert_eq!(one("/v{major}/{id:int}", &["v2", "7"]), ["v2", "7"]);
        assert!(all("/v{major}", &["v"]).is_empty());
        assert_eq!(one("/items/", &["items"]), ["items", ""]);
        assert_eq!(one("/", &[]), [""]);
        assert!(one("", &[]).is_empty());
    }
}
