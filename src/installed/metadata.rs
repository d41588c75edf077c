//! The metadata files of one `dist-info` directory.

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

/// The header fields of a `METADATA` file, in order.
///
/// The format is that of e-mail headers (RFC 5322), of which the fields read here use only folded lines: a line that
/// begins with white space continues the one before it.
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Reads up to the first empty line; a line that is no field is skipped.
    pub(super) fn parse(text: &str) -> Headers {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                fields.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Headers(fields)
    }

    /// Returns the values of all fields called `name`, in any case.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// Returns the value of the first field called `name`.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }
}

/// `direct_url.json` (PEP 610).
#[derive(Deserialize)]
struct DirectUrl {
    url: String,
    subdirectory: Option<String>,
    vcs_info: Option<VcsInfo>,
}

#[derive(Deserialize)]
struct VcsInfo {
    vcs: String,
    commit_id: Option<String>,
}

/// Returns the URL that a package was installed from, in the form of a requirement; `None` for one from an index.
pub(super) fn origin(dist_info: &Path) -> Result<Option<String>, String> {
    let unreadable =
        |error: &dyn std::fmt::Display| format!("cannot read direct_url.json: {error}");
    let bytes = match fs::read(dist_info.join("direct_url.json")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    let direct: DirectUrl = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
    let mut url = direct.url;
    if let Some(VcsInfo { vcs, commit_id }) = direct.vcs_info {
        let commit = commit_id.map_or(String::new(), |commit| format!("@{commit}"));
        url = format!("{vcs}+{url}{commit}");
    }
    if let Some(subdirectory) = direct.subdirectory {
        url = format!("{url}#subdirectory={subdirectory}");
    }
    Ok(Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_body() {
        let headers = Headers::parse(
            "Name: a\r\nVERSION : 1 \r\nLicense: x\r\n        y\r\nno field\r\n\r\nName: b\r\n",
        );
        assert_eq!(headers.all("name").collect::<Vec<_>>(), ["a"]);
        assert_eq!(headers.first("Version"), Some("1"));
        assert_eq!(headers.first("License"), Some("x y"));
        assert_eq!(headers.first("Missing"), None);
    }

    #[test]
    fn a_value_may_hold_colons_and_a_file_may_begin_with_a_continuation() {
        let headers = Headers::parse(" x\nRequires-Dist: a @ https://h/a.whl ; python_version<'4'");
        let all: Vec<_> = headers.all("requires-dist").collect();
        assert_eq!(all, ["a @ https://h/a.whl ; python_version<'4'"]);
        assert_eq!(Headers::parse("").first("Name"), None);
    }

    #[test]
    fn the_origin_has_the_form_of_a_requirement() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(origin(directory.path()), Ok(None));
        for (json, url) in [
            (r#"{"url": "file:///p", "dir_info": {"editable": true}}"#, "file:///p"),
            (
                r#"{"url": "https://h/r", "vcs_info": {"vcs": "git", "commit_id": "c0"}, "subdirectory": "s"}"#,
                "git+https://h/r@c0#subdirectory=s",
            ),
        ] {
            fs::write(directory.path().join("direct_url.json"), json).unwrap();
            assert_eq!(origin(directory.path()), Ok(Some(url.to_owned())));
        }
    }
}
