//! Whether positionals fit the path of a command.
//!
//! A `/` inside an argument splits it, as if two arguments had been typed. Where no reading of the line fits
//! that way, an argument with a `/` may fill a parameter of the path whole ([`Fit::whole`]): FastAPI's own
//! OpenAPI document does not tell a `{name:path}` from a `{name}`, and the server knows.

use crate::description::Command;

/// One part of a path between slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    /// To be typed as it is.
    Fixed(&'a str),
    /// A parameter among fixed text: `v{major}`.
    Mixed(&'a str, &'a str),
    /// `{name}`: anything without a slash.
    Parameter(&'a str),
    /// `{name:path}`: the rest, slashes included.
    Rest(&'a str),
}

impl<'a> Element<'a> {
    fn of(segment: &'a str) -> Element<'a> {
        let Some((prefix, rest)) = segment.split_once('{') else { return Element::Fixed(segment) };
        let Some((inside, suffix)) = rest.rsplit_once('}') else { return Element::Fixed(segment) };
        if !prefix.is_empty() || !suffix.is_empty() {
            return Element::Mixed(prefix, suffix);
        }
        match inside.split_once(':') {
            Some((name, "path")) => Element::Rest(name),
            Some((name, _)) => Element::Parameter(name),
            None => Element::Parameter(inside),
        }
    }

    /// The less a part accepts, the lower: what is more particular is preferred.
    pub(super) fn breadth(self) -> u8 {
        match self {
            Element::Fixed(_) => 0,
            Element::Mixed(..) => 1,
            Element::Parameter(_) => 2,
            Element::Rest(_) => 3,
        }
    }

    /// True if `piece`, which has no slash in it, fits.
    pub(super) fn accepts(self, piece: &str) -> bool {
        match self {
            Element::Fixed(text) => piece == text,
            Element::Mixed(prefix, suffix) => {
                piece.len() > prefix.len() + suffix.len()
                    && piece.starts_with(prefix)
                    && piece.ends_with(suffix)
            }
            // An empty segment never reaches a route.
            Element::Parameter(_) => !piece.is_empty(),
            Element::Rest(_) => true,
        }
    }
}

/// The parts of a command's path.
pub(super) fn elements(command: &Command) -> Vec<Element<'_>> {
    command.segments().map(Element::of).collect()
}

/// One way in which positionals fill a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// The filled path.
    pub(super) segments: Vec<String>,
    /// How many positionals the path took.
    pub(super) words: usize,
    /// True if an argument with a slash filled one parameter.
    pub(super) whole: bool,
    /// True if an option filled a parameter.
    pub(super) named: bool,
}

/// All ways in which the first of `words` fill the path of `command`; `option` gives the value of a path
/// parameter that was typed as an option.
pub(super) fn fits<'a>(
    command: &Command,
    words: &[&str],
    option: &dyn Fn(&str) -> Option<&'a str>,
) -> Vec<Fit> {
    let mut search =
        Search { pieces: pieces(words), words: words.len(), option, found: Vec::new() };
    let start = Fit { segments: Vec::new(), words: 0, whole: false, named: false };
    search.step(&elements(command), 0, start);
    if command.path.ends_with('/') {
        search.found.iter_mut().for_each(|fit| fit.segments.push(String::new()));
    }
    search.found
}

/// A positional, or what lies between two slashes of it.
#[derive(Debug)]
struct Piece<'a> {
    text: &'a str,
    /// The positional that it is of.
    word: usize,
    /// The whole positional, if this is its first piece.
    begins: Option<&'a str>,
    /// True for nothing between slashes, as in `/issue/`; false for an empty positional, which means something.
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

struct Search<'s, 'a> {
    pieces: Vec<Piece<'s>>,
    words: usize,
    option: &'s dyn Fn(&str) -> Option<&'a str>,
    found: Vec<Fit>,
}

impl Search<'_, '_> {
    /// Fits `elements` to the pieces from `at` on, `fit` being what came before.
    fn step(&mut self, elements: &[Element], at: usize, fit: Fit) {
        let Some((&element, later)) = elements.split_first() else {
            return self.end(at, fit);
        };
        if let Element::Parameter(name) | Element::Rest(name) = element
            && let Some(value) = (self.option)(name)
        {
            let mut fit = Fit { named: true, ..fit };
            match element {
                Element::Rest(_) => fit.segments.extend(value.split('/').map(str::to_owned)),
                _ if value.is_empty() => return,
                _ => fit.segments.push(value.to_owned()),
            }
            return self.step(later, at, fit);
        }
        if let Element::Rest(_) = element {
            return self.rest(later, at, fit);
        }
        let gaps = self.pieces[at..].iter().take_while(|piece| piece.gap).count();
        if let Some(piece) = self.pieces.get(at + gaps)
            && element.accepts(piece.text)
        {
            let text = piece.text.to_owned();
            self.step(later, at + gaps + 1, with(&fit, [text]));
        }
        if let Element::Parameter(_) = element
            && let Some(whole) = self.pieces.get(at).and_then(|piece| piece.begins)
            && whole.contains('/')
        {
            let next = at + whole.split('/').count();
            let fit = Fit { whole: true, ..with(&fit, [whole.to_owned()]) };
            self.step(later, next, fit);
        }
    }

    /// The rest takes at least one piece and as much as what follows it allows.
    fn rest(&mut self, later: &[Element], at: usize, fit: Fit) {
        let end = self.pieces.len().saturating_sub(later.len());
        if end <= at {
            return;
        }
        let taken = self.pieces[at..end].iter().map(|piece| piece.text.to_owned());
        let fit = with(&fit, taken.collect::<Vec<_>>());
        self.step(later, end, fit);
    }

    /// The path is filled; it must end where an argument ends, or only slashes may follow in that argument.
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

fn with(fit: &Fit, segments: impl IntoIterator<Item = String>) -> Fit {
    let mut fit = fit.clone();
    fit.segments.extend(segments);
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(path: &str, words: &[&str]) -> Vec<(Vec<String>, usize, bool)> {
        let command = Command { path: path.to_owned(), ..Command::default() };
        let fits = fits(&command, words, &|_| None);
        fits.into_iter().map(|fit| (fit.segments, fit.words, fit.whole)).collect()
    }

    fn one(path: &str, words: &[&str]) -> Vec<String> {
        let found = all(path, words);
        assert_eq!(found.len(), 1, "{path} {words:?}: {found:?}");
        found.into_iter().next().unwrap_or_default().0
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
