//! `allowed_origins` and `tcp_token` in `config.toml`: who is served over TCP besides the user's own programs; and what an
//! address beyond loopback means.

use std::net::IpAddr;

use toml::{Table, Value};

use super::{Addresses, Setting};
use crate::failure::Failure;

/// Who is served over TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessSettings {
    /// Pages of other sites that may call.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Which requests over TCP need the daemon's token.
    pub tcp_token: TcpToken,
}

/// Which requests over TCP need the daemon's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TcpToken {
    /// Those of which the system does not say which user makes them.
    #[default]
    Auto,
    /// All.
    Always,
    /// None but those of the client's own routes.
    Never,
}

/// The origin of pages that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// This one, in lower case.
    Exact(String),
    /// All of a scheme, with its `://`: an editor gives each of its webviews an origin of its own.
    Scheme(String),
}

impl AllowedOrigin {
    /// True if pages of `origin` may call.
    pub fn allows(&self, origin: &str) -> bool {
        let starts_with = |scheme: &str| {
            let start = origin.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        match self {
            AllowedOrigin::Exact(own) => own.eq_ignore_ascii_case(origin),
            AllowedOrigin::Scheme(scheme) => starts_with(scheme) && origin.len() > scheme.len(),
        }
    }

    /// Parses `SCHEME://HOST`, with a port for one of the web, or `SCHEME://*` for one that the web does not have.
    fn parse(text: &str) -> Result<AllowedOrigin, String> {
        let lower = text.to_ascii_lowercase();
        let wrong = |why: &str| Err(format!("`allowed_origins`: `{text}` {why}"));
        let Some((scheme, host)) = lower.split_once("://") else {
            return wrong(
                "is not an origin like `vscode-webview://NAME` or `http://localhost:3000`",
            );
        };
        let is_web = matches!(scheme, "http" | "https" | "ws" | "wss");
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        match host {
            "*" if is_web => wrong("would allow all sites of the web: list each of them"),
            "*" if is_scheme => Ok(AllowedOrigin::Scheme(format!("{scheme}://"))),
            "" => wrong("has no host"),
            host if !is_scheme
                || host.contains(['/', '*', '?', '#', '@'])
                || !host.chars().all(|c| c.is_ascii_graphic()) =>
            {
                wrong(
                    "is not an origin: scheme, host and port, without a path; `*` only after the scheme of an editor",
                )
            }
            _ => Ok(AllowedOrigin::Exact(lower)),
        }
    }
}

/// Checks that requests from other machines need the token.
///
/// # Errors
/// `tcp_token` is false, and the daemon would listen beyond loopback.
pub(super) fn check(host: &Setting<Addresses>, token: TcpToken) -> Result<(), Failure> {
    match host.value.beyond_loopback() {
        Some(address) if token == TcpToken::Never => Err(Failure::environment(format!(
            "`tcp_token` is false, and `host` is {address}, which other machines can reach (set by {})",
            host.source
        ))
        .hint("Remove `tcp_token = false`: requests from other machines need the token. Or set `host` to localhost.")),
        _ => Ok(()),
    }
}

/// What it means that the daemon listens on `address`, which is beyond loopback, as one line.
pub fn exposure(address: IpAddr) -> String {
    format!(
        "the daemon listens on {address}, which other machines can reach: over plain HTTP, so that the token can be \
         read on the way, and with the token anyone runs commands as you; a tunnel of ssh to localhost is safer"
    )
}

/// Takes the settings out of `table`; an error names key and value.
pub(super) fn take(table: &mut Table) -> Result<AccessSettings, String> {
    let allowed_origins = match table.remove("allowed_origins") {
        None => Vec::new(),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| match value.as_str() {
                Some(text) => AllowedOrigin::parse(text),
                None => Err(format!("`allowed_origins`: {value} is not a string")),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return Err(format!("`allowed_origins` must be a list, not {}", other.type_str()));
        }
    };
    let tcp_token = match table.remove("tcp_token") {
        None => TcpToken::Auto,
        Some(Value::Boolean(true)) => TcpToken::Always,
        Some(Value::Boolean(false)) => TcpToken::Never,
        Some(Value::String(text)) if text == "auto" => TcpToken::Auto,
        Some(other) => {
            return Err(format!("`tcp_token` must be true, false or \"auto\", not {other}"));
        }
    };
    Ok(AccessSettings { allowed_origins, tcp_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Result<AccessSettings, String> {
        take(&mut text.parse().unwrap())
    }

    #[test]
    fn origins_are_exact_or_all_of_an_editors_scheme() {
        let text = "allowed_origins = ['vscode-webview://*', 'http://localhost:3000']";
        let settings = taken(text).unwrap();
        let allows = |origin: &str| settings.allowed_origins.iter().any(|it| it.allows(origin));
        for origin in ["vscode-webview://1a2b", "VSCODE-WEBVIEW://1A", "http://LOCALHOST:3000"] {
            assert!(allows(origin), "{origin}");
        }
        for origin in [
            "vscode-webview://",
            "vscode-webview:",
            "http://localhost:3001",
            "http://localhost:3000.evil.example",
            "https://localhost:3000",
            "null",
            "",
            "vscode-webvié://x",
        ] {
            assert!(!allows(origin), "{origin}");
        }
    }

    #[test]
    fn the_token_is_always_needed_never_or_where_the_user_is_unknown() {
        for (text, expected) in [
            ("", TcpToken::Auto),
            ("tcp_token = 'auto'", TcpToken::Auto),
            ("tcp_token = true", TcpToken::Always),
            ("tcp_token = false", TcpToken::Never),
        ] {
            assert_eq!(taken(text).unwrap().tcp_token, expected);
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        for (text, message) in [
            ("allowed_origins = 'x'", "`allowed_origins` must be a list, not string"),
            ("allowed_origins = [1]", "`allowed_origins`: 1 is not a string"),
            (
                "allowed_origins = ['https://*']",
                "`allowed_origins`: `https://*` would allow all sites of the web: list each of them",
            ),
            (
                "allowed_origins = ['*']",
                "`allowed_origins`: `*` is not an origin like `vscode-webview://NAME` or `http://localhost:3000`",
            ),
            (
                "allowed_origins = ['http://a.example/x']",
                "`allowed_origins`: `http://a.example/x` is not an origin: scheme, host and port, without a path; `*` only after the scheme of an editor",
            ),
            ("allowed_origins = ['http://']", "`allowed_origins`: `http://` has no host"),
            ("tcp_token = 1", "`tcp_token` must be true, false or \"auto\", not 1"),
        ] {
            assert_eq!(taken(text).unwrap_err(), message);
        }
    }
}
