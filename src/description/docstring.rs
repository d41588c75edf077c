//! Docstrings as FastAPI passes them on.

/// Parts a docstring into summary, text and example lines.
///
/// FastAPI's `summary` is made from the function's name unless the author gave one; the docstring's first line
/// is more specific, so it wins. Examples are the lines of a closing `Examples:` section.
pub(super) fn split(summary: &str, docstring: &str) -> (String, String, Vec<String>) {
    let mut lines = docstring.trim().lines();
    let first = lines.next().map(str::trim).unwrap_or_default();
    let summary = if first.is_empty() { summary } else { first };
    let (mut text, mut examples, mut in_examples) = (Vec::new(), Vec::new(), false);
    for line in lines {
        let bare = line.trim();
        let heading = bare.trim_end_matches(':').to_ascii_lowercase();
        if heading == "example" || heading == "examples" {
            in_examples = true;
        } else if in_examples && !bare.is_empty() && !line.starts_with([' ', '\t']) {
            in_examples = false;
            text.push(line);
        } else if in_examples {
            let example = bare.trim_start_matches("$ ");
            if !example.is_empty() && !example.starts_with(['#', '`']) {
                examples.push(example.to_owned());
            }
        } else {
            text.push(line);
        }
    }
    (summary.to_owned(), text.join("\n").trim().to_owned(), examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_after_an_examples_section_is_text_again() {
        let (summary, text, examples) =
            split("Name", "Do it.\n\nExample:\n    $ p do\n\nNote: careful.");
        assert_eq!((summary.as_str(), text.as_str()), ("Do it.", "Note: careful."));
        assert_eq!(examples, ["p do"]);
    }
}
