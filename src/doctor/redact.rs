//! Takes secrets, and what identifies a person or a machine, out of a text for others.
//!
//! Two ways: values that are known (those of the secrets file, the home directory, the names of user and host), and forms
//! that secrets have (after `password=`, in a URL, the prefix of a provider's tokens). Rather too much is taken out than too
//! little; still no rule finds a secret that looks like a word, so a person reads what is sent. To add a form: a line in
//! [`FORMS`], and one in the tests.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is in the place of a secret.
pub const SECRET: &str = "[secret]";
/// The shortest known secret that is looked for: a shorter one would be in half of all words.
const SECRET_MIN: usize = 4;
/// The shortest name of a user or a host that is looked for.
const NAME_MIN: usize = 3;
/// Names that many machines have.
const COMMON_NAMES: [&str; 7] =
    ["root", "user", "admin", "daemon", "nobody", "localhost", "localhost.localdomain"];
/// Values after a word such as `token` that are settings.
const SETTINGS: [&str; 6] = ["true", "false", "null", "none", "auto", "0"];

/// Words in the names of secrets.
const WORDS: &str = "(?:token|secret|password|passwd|passphrase|pwd|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?key|credential|signature|session[_-]?id)";

/// Forms of secrets and their replacements, in order.
static FORMS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let header = r#"(?i-u:\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key))(\\?["']?[ \t]*[:=][ \t]*\\?["']?)[^"'\\\r\n,}]+"#;
    let option =
        format!(r#"(--(?i-u:[a-z0-9-]*{WORDS}[a-z0-9-]*))[ \t]+[^ \t\r\n"'-][^ \t\r\n"']*"#);
    let shapes = [
        "gh[pousr]_[A-Za-z0-9]{20,}",
        "github_pat_[A-Za-z0-9_]{20,}",
        "glpat-[A-Za-z0-9_-]{16,}",
        "sk-[A-Za-z0-9_-]{16,}",
        "xox[abeprs]-[A-Za-z0-9-]{10,}",
        "(?:AKIA|ASIA)[0-9A-Z]{16}",
        "AIza[0-9A-Za-z_-]{30,}",
        "(?:npm|hf)_[A-Za-z0-9]{30,}",
        "pypi-[A-Za-z0-9_-]{30,}",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
    ];
    let shapes = format!(r"(?-u:\b)(?:{})", shapes.join("|"));
    let forms = [
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
            SECRET,
        ),
        (r#"([A-Za-z][A-Za-z0-9+.-]*://)[^/ \t\r\n"'<>]*@"#, "$1[secret]@"),
        (header, "$1$2[secret]"),
        (r"(?i-u:\b(bearer|basic|negotiate))[ \t]+[A-Za-z0-9._~+/=:-]{8,}", "$1 [secret]"),
        (&option, "$1 [secret]"),
        (&shapes, SECRET),
        (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", "[email]"),
    ];
    let compiled = forms.map(|(form, replacement)| (regex(form), replacement));
    compiled.into_iter().collect()
});

/// A secret's name, what is between, and its value.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let name = format!("(?i-u:[a-z0-9_.-]*{WORDS}[a-z0-9_.-]*)");
    let between = r#"\\?["']?\]?[ \t]*[:=][ \t]*"#;
    let value = r#""(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*'|\\"[^"\\\r\n]*\\"|[^ \t\r\n,;&"'{}\[\]()<>]+"#;
    regex(&format!("({name}{between})({value})"))
});

/// A home directory of another user.
static HOMES: LazyLock<Regex> = LazyLock::new(|| regex(r#"/(home|Users)/[^/ \t\r\n"':,;)\]]+"#));

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("a test compiles every form")
}

/// Takes out what is known of this user and this machine, and what looks like a secret.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    secrets: Vec<String>,
    homes: Vec<String>,
    names: Vec<(String, &'static str)>,
}

impl Redactor {
    /// A redactor of forms alone.
    pub fn new() -> Redactor {
        Redactor::default()
    }

    /// Adds values that are secrets.
    #[must_use]
    pub fn secrets(mut self, values: impl IntoIterator<Item = String>) -> Redactor {
        for value in values.into_iter().filter(|value| value.len() >= SECRET_MIN) {
            // As it is in JSON, in TOML and in a log.
            let written = serde_json::to_string(&value).unwrap_or_default();
            let written = written.trim_matches('"').to_owned();
            self.secrets.extend([value, written]);
        }
        // One may be a part of another.
        self.secrets.sort_by_key(|value| std::cmp::Reverse(value.len()));
        self.secrets.dedup();
        self
    }

    /// Adds a home directory, and the one that it leads to.
    #[must_use]
    pub fn home(mut self, home: &Path) -> Redactor {
        let whole = home.canonicalize().ok();
        let homes: [Option<PathBuf>; 2] = [Some(home.to_owned()), whole];
        for home in homes.into_iter().flatten() {
            let text = home.display().to_string();
            let text = text.trim_end_matches('/');
            if !text.is_empty() && !self.homes.iter().any(|known| known == text) {
                self.homes.push(text.to_owned());
            }
        }
        self.homes.sort_by_key(|home| std::cmp::Reverse(home.len()));
        self
    }

    /// Adds the name of a user.
    #[must_use]
    pub fn user(self, name: &str) -> Redactor {
        self.name(name, "[user]")
    }

    /// Adds the name of a host, and its first part.
    #[must_use]
    pub fn host(self, name: &str) -> Redactor {
        let first = name.split('.').next().unwrap_or_default();
        self.name(name, "[host]").name(first, "[host]")
    }

    fn name(mut self, name: &str, replacement: &'static str) -> Redactor {
        if name.len() >= NAME_MIN && !COMMON_NAMES.contains(&name) {
            self.names.push((name.to_owned(), replacement));
        }
        self
    }

    /// Returns `text` without any of it.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), SECRET);
        }
        for (form, replacement) in FORMS.iter() {
            text = form.replace_all(&text, *replacement).into_owned();
        }
        text = NAMED.replace_all(&text, named).into_owned();
        for home in &self.homes {
            text = whole(&text, home, "~");
        }
        text = HOMES.replace_all(&text, "/$1/[user]").into_owned();
        for (name, replacement) in &self.names {
            text = whole(&text, name, replacement);
        }
        text
    }
}

/// Returns the replacement of a secret after its name, quoted as it was.
fn named(found: &Captures) -> String {
    let (name, value) = (&found[1], &found[2]);
    let bare = value.trim_matches(['"', '\'', '\\']);
    if bare.is_empty() || SETTINGS.contains(&bare.to_ascii_lowercase().as_str()) {
        return found[0].to_owned();
    }
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| value.starts_with(quote));
    let quote = quote.unwrap_or_default();
    format!("{name}{quote}{SECRET}{quote}")
}

/// Replaces `word` where it is not a part of a longer one.
fn whole(text: &str, word: &str, replacement: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    // Of the original: what was replaced before it is no part of a word.
    let mut before = None;
    while let Some(at) = rest.find(word) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let last = head.chars().next_back().or(before);
        let stands_alone = !last.is_some_and(is_part) && !tail.starts_with(is_part);
        replaced.push_str(head);
        replaced.push_str(if stands_alone { replacement } else { word });
        before = word.chars().next_back();
        rest = tail;
    }
    replaced.push_str(rest);
    replaced
}

/// Returns a URL without the user and the password in it.
pub fn url(text: &str) -> String {
    match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((before, host)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{SECRET}@{host}"),
            None => format!("{SECRET}@{host}"),
        },
    }
}

/// True for a name of a secret.
pub fn is_secret(name: &str) -> bool {
    static NAME: LazyLock<Regex> = LazyLock::new(|| regex(&format!("(?i-u:{WORDS}|auth|cookie)")));
    NAME.is_match(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(text: &str, expected: &str) {
        assert_eq!(Redactor::new().text(text), expected);
    }

    #[test]
    fn what_names_a_secret_hides_it() {
        becomes("password=hunter2 next", "password=[secret] next");
        becomes(r#"{"api_key": "a b\"c", "port": 1}"#, r#"{"api_key": "[secret]", "port": 1}"#);
        becomes(r#""{\"token\": \"abc\"}""#, r#""{\"token\": \"[secret]\"}""#);
        becomes("JIRA_TOKEN='x y'", "JIRA_TOKEN='[secret]'");
        becomes("client_secret: abc, b", "client_secret: [secret], b");
        becomes("GET /x?access_token=abc&page=2", "GET /x?access_token=[secret]&page=2");
        becomes("env['DB_PASSWORD'] = 'x'", "env['DB_PASSWORD'] = '[secret]'");
        becomes("login --password hunter2 --user ada", "login --password [secret] --user ada");
        becomes("tcp_token = \"auto\"", "tcp_token = \"auto\"");
        becomes("\"fixable\": true, \"password\": null", "\"fixable\": true, \"password\": null");
    }

    #[test]
    fn headers_and_urls_hide_theirs() {
        becomes("Authorization: token abc def\nx", "Authorization: [secret]\nx");
        becomes("{\"authorization\":\"Bearer abc\"}", "{\"authorization\":\"[secret]\"}");
        becomes("sent Bearer abcdefgh.ijk", "sent Bearer [secret]");
        becomes("Cookie: a=b; c=d", "Cookie: [secret]");
        becomes("https://ada:p@ss@host/x", "https://[secret]@host/x");
        becomes("git+ssh://git@host/x", "git+ssh://[secret]@host/x");
        assert_eq!(url("http://ada:x@proxy:1"), "http://[secret]@proxy:1");
        assert_eq!(url("ada:x@proxy"), "[secret]@proxy");
        assert_eq!(url("http://proxy:1"), "http://proxy:1");
    }

    #[test]
    fn tokens_of_known_providers_are_found_anywhere() {
        for token in [
            "ghp_0123456789abcdefghij0123",
            "github_pat_0123456789abcdefghij",
            "glpat-0123456789abcdef",
            "sk-ant-0123456789abcdef",
            "xoxb-0123456789-abc",
            "AKIA0123456789ABCDEF",
            "AIza0123456789abcdefghijABCDEFGHIJ",
            "eyJhbGciOiJIUzI1.eyJzdWIi.abc",
            "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nabc",
        ] {
            becomes(&format!("got {token}"), "got [secret]");
        }
        becomes("from ada.l@mail.example.org:", "from [email]:");
        becomes("jira@office sk-learn task-force", "jira@office sk-learn task-force");
    }

    #[test]
    fn known_values_are_found_in_every_way_of_writing() {
        let redactor =
            Redactor::new().secrets(["a\"b\\c".into(), "abcd".into(), "abcdef".into(), "x".into()]);
        assert_eq!(redactor.text(r#"a"b\c "a\"b\\c" x"#), r#"[secret] "[secret]" x"#);
        assert_eq!(redactor.text("abcdef abcd"), "[secret] [secret]");
    }

    #[test]
    fn persons_and_machines_have_no_names() {
        let home = Path::new("/nonexistent/ada");
        let redactor = Redactor::new().home(home).user("ada").host("box.example.org");
        assert_eq!(
            redactor
                .text("/nonexistent/ada/x:/nonexistent/ada /nonexistent/adab ada adage box-2 box"),
            "~/x:~ /nonexistent/adab [user] adage box-2 [host]"
        );
        assert_eq!(redactor.text("ada@box.example.org"), "[email]");
        assert_eq!(redactor.text("/home/bob/x /Users/eve"), "/home/[user]/x /Users/[user]");
        let root = Redactor::new().home(Path::new("/")).user("root").host("localhost");
        assert_eq!(root.text("/usr root localhost"), "/usr root localhost");
        assert_eq!(whole("aa a", "a", "b"), "aa b");
    }

    #[test]
    fn names_of_secrets_are_known() {
        for (name, is) in
            [("JIRA_TOKEN", true), ("apiKey", true), ("PROXY_AUTH", true), ("PATH", false)]
        {
            assert_eq!(is_secret(name), is, "{name}");
        }
    }
}
