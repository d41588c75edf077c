//! The files of the page, from the binary.

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    name: &'static str,
    /// Its media type.
    pub(super) media_type: &'static str,
    /// What is in it.
    pub(super) bytes: &'static [u8],
}

/// A file in `www`.
macro_rules! file {
    ($name:literal, $media_type:literal) => {
        File { name: $name, media_type: $media_type, bytes: include_bytes!(concat!("www/", $name)) }
    };
}

/// The page itself.
pub(super) const PAGE: File = file!("index.html", "text/html; charset=utf-8");

/// What the page loads.
const PARTS: [File; 11] = [
    file!("page.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("icon-broken.svg", "image/svg+xml"),
    file!("main.js", "text/javascript; charset=utf-8"),
    file!("stream.js", "text/javascript; charset=utf-8"),
    file!("dom.js", "text/javascript; charset=utf-8"),
    file!("plugins.js", "text/javascript; charset=utf-8"),
    file!("commands.js", "text/javascript; charset=utf-8"),
    file!("rates.js", "text/javascript; charset=utf-8"),
    file!("calls.js", "text/javascript; charset=utf-8"),
    file!("log.js", "text/javascript; charset=utf-8"),
];

/// The file `name` that the page loads.
pub(super) fn find(name: &str) -> Option<File> {
    PARTS.into_iter().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: File) -> &'static str {
        std::str::from_utf8(file.bytes).unwrap()
    }

    /// What the page and its parts refer to is there, and everything there is referred to.
    #[test]
    fn the_page_loads_its_own_files_and_no_others() {
        let whole: String = [PAGE].into_iter().chain(PARTS).map(text).collect();
        for file in PARTS {
            let (by_path, by_module) =
                (format!("/-/page/{}", file.name), format!("\"./{}\"", file.name));
            assert!(whole.contains(&by_path) || whole.contains(&by_module), "{}", file.name);
        }
        for (at, begin) in whole.match_indices("/-/page/") {
            let name: String =
                whole[at + begin.len()..].chars().take_while(|it| !"\"'`)".contains(*it)).collect();
            assert!(find(&name).is_some(), "{name}");
        }
        for absolute in ["http://", "https://", "//cdn"] {
            let found = whole.match_indices(absolute).filter(|(at, _)| {
                // The name of a namespace is no address.
                !whole[*at..].starts_with("http://www.w3.org/")
            });
            assert_eq!(found.count(), 0, "{absolute}");
        }
    }

    /// Names and log lines are of plugins and callers: none may become markup or code.
    #[test]
    fn no_text_becomes_markup() {
        for file in PARTS {
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text(file).contains(way), "{}: {way}", file.name);
            }
        }
        assert!(!text(PAGE).contains(" style=") && !text(PAGE).contains("onclick"));
    }
}
