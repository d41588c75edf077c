//! Access control: the user's own programs are served, pages of other sites are not.
//!
//! The Unix socket is private by its mode, and [`gate`](super::gate) refuses other users' connections. On TCP, any web
//! page can make the browser send requests to loopback. So a request must name a loopback host (which stops DNS
//! rebinding), and one that a browser made (which sends `Origin` or `Sec-Fetch-Site`) must come from a page of the daemon
//! itself or of an origin that the settings allow. Beyond loopback any name may be asked for, and every request needs the
//! daemon's token, which no page of another site has.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::Service;
use super::peer::Peer;
use crate::failure::{Failure, Kind};
use crate::wire;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request that may be served is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// One of a program, or of a page of the daemon's own.
    Plain,
    /// One of the user's own client over TCP, by the daemon's token.
    Own,
    /// One of a page of this origin, which the settings allow.
    Foreign(HeaderValue),
    /// The browser's question whether a page of this origin may send one.
    Preflight(HeaderValue),
}

/// What the judgement depends on besides the request.
struct Rules<'r> {
    /// The daemon's token.
    token: Option<&'r str>,
    /// The connection is beyond loopback.
    is_remote: bool,
    /// The user at the other end is not known.
    needs_token: bool,
    /// Whether pages of an origin may call.
    allows: &'r dyn Fn(&str) -> bool,
}

/// Checks that a request may be served.
///
/// # Errors
/// The request comes from another site or host, or lacks the daemon's token where it needs that.
pub(super) fn check(peer: Peer, service: &Service, request: &Request) -> Result<Passed, Failure> {
    let (is_remote, needs_token) = match peer {
        Peer::Unix => return Ok(Passed::Plain),
        Peer::Tcp(_) => (false, false),
        Peer::Unproven(_) => (false, true),
        Peer::Remote(_) => (true, true),
    };
    let allows = |origin: &str| {
        let settings = service.settings.now();
        settings.access.allowed_origins.iter().any(|allowed| allowed.allows(origin))
    };
    let token = service.token.get().map(String::as_str);
    let rules = Rules { token, is_remote, needs_token, allows: &allows };
    judge(&rules, request.method(), request.uri(), request.headers()).inspect_err(|failure| {
        let path = request.uri().path();
        tracing::warn!(path, reason = failure.error, "request refused");
    })
}

fn judge(
    rules: &Rules,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Passed, Failure> {
    let has_token = || rules.token.is_some_and(|token| has_token(headers, token));
    let is_own_route = [wire::RUN, wire::STATUS, wire::MCP].contains(&uri.path());
    let named = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    if rules.is_remote {
        return match has_token() {
            false => Err(forbidden("a request from another machine needs the daemon's token".to_owned())
                .hint("Send `Authorization: Bearer TOKEN` with the token in `state/tcp.json` of the runtime directory.")),
            true if is_own_route => Err(forbidden(format!("{} is not served to other machines", uri.path()))),
            true => Ok(foreign(rules, named.unwrap_or_default(), headers)?.map_or(Passed::Plain, Passed::Foreign)),
        };
    }
    let host = uri
        .authority()
        .map(Authority::as_str)
        .or(named)
        .filter(|host| is_usual(host) || is_loopback(host))
        .ok_or_else(|| {
            forbidden(format!(
                "the request's Host is not a loopback name: {}",
                named.unwrap_or("none")
            ))
            .hint("Ask http://localhost directly, not through another name.")
        })?;
    let foreign = foreign(rules, host, headers)?;
    if let Some(origin) = &foreign
        && method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        return Ok(Passed::Preflight(origin.clone()));
    }
    if foreign.is_some() && uri.path() == wire::LIVE {
        return Err(forbidden(format!("{} is served to the daemon's own page only", wire::LIVE)));
    }
    if !is_own_route && !rules.needs_token {
        return Ok(foreign.map_or(Passed::Plain, Passed::Foreign));
    }
    match (is_own_route, foreign) {
        (true, None) if has_token() => Ok(Passed::Own),
        (true, _) => Err(forbidden(format!(
            "{} is served on the Unix socket only, or with the daemon's token",
            uri.path()
        ))),
        (false, foreign) if has_token() => Ok(foreign.map_or(Passed::Plain, Passed::Foreign)),
        (false, _) => Err(forbidden("a request over TCP needs the daemon's token".to_owned())
            .hint(
                "Send `Authorization: Bearer TOKEN` with the token in `state/tcp.json` of the runtime directory. \
                 `tcp_token = false` in config.toml serves requests without, of all users of this machine if the \
                 system does not distinguish them.",
            )),
    }
}

/// Returns the origin of a page of another site that may call; `None` for a program, or for a page of the daemon's own.
///
/// # Errors
/// The page may not call.
fn foreign(rules: &Rules, host: &str, headers: &HeaderMap) -> Result<Option<HeaderValue>, Failure> {
    let refused = |error: String| {
        Err(forbidden(error).hint(
            "Ask http://localhost directly, not through another site; `allowed_origins` in config.toml allows pages of another site.",
        ))
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let text = origin.to_str().ok();
        let is_own = text
            .and_then(|text| text.strip_prefix("http://"))
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host));
        if !is_own && text.is_some_and(|text| (rules.allows)(text)) {
            return Ok(Some(origin.clone()));
        }
        if !is_own {
            let origin = String::from_utf8_lossy(origin.as_bytes());
            return refused(format!("the request comes from another site: {origin}"));
        }
    }
    match headers.get(&SEC_FETCH_SITE).map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(None),
        Some(_) => refused("the request comes from a page of another site".to_owned()),
    }
}

fn forbidden(error: String) -> Failure {
    Failure::new(Kind::Forbidden, error)
}

/// True if a request has the token of the user's own programs; takes the same time wherever it differs.
fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
    let pairs = given.iter().zip(token.as_bytes());
    given.len() == token.len() && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// True for the spellings that programs use, which need no parsing.
fn is_usual(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// True if a host, with or without its port, is this machine's own.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_stream_is_for_the_page_alone() {
        let allows = |_: &str| true;
        let rules = Rules { token: None, is_remote: false, needs_token: false, allows: &allows };
        let uri = Uri::from_static(wire::LIVE);
        let of = |origin: &'static str| {
            let own = [(header::HOST, "localhost:1"), (header::ORIGIN, origin)];
            let headers = own.map(|(name, value)| (name, HeaderValue::from_static(value)));
            judge(&rules, &Method::GET, &uri, &HeaderMap::from_iter(headers))
        };
        assert_eq!(of("http://localhost:1").ok(), Some(Passed::Plain));
        assert_eq!(of("vscode-webview://editor").unwrap_err().kind, Kind::Forbidden);
    }

    fn judged(
        needs_token: bool,
        method: &Method,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Passed, Failure> {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let allows = |origin: &str| origin == "vscode-webview://a";
        let rules = Rules { token: Some("secret"), is_remote: false, needs_token, allows: &allows };
        judge(&rules, method, &uri.parse().unwrap(), &headers)
    }

    fn remote(uri: &str, headers: &[(&'static str, &str)]) -> Result<Passed, Failure> {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let rules =
            Rules { token: Some("secret"), is_remote: true, needs_token: true, allows: &|_| false };
        judge(&rules, &Method::GET, &uri.parse().unwrap(), &headers)
    }

    fn allowed(uri: &str, headers: &[(&'static str, &str)]) -> bool {
        judged(false, &Method::GET, uri, headers).is_ok()
    }

    #[test]
    fn only_loopback_names_are_served() {
        for host in [
            "localhost",
            "localhost:9100",
            "127.0.0.1:9100",
            "[::1]:9100",
            "LOCALHOST.",
            "a.localhost",
        ] {
            assert!(allowed("/health", &[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9100",
            "0.0.0.0",
            "192.168.1.2:9100",
            "localhost.evil",
            "",
            "a b",
        ] {
            assert!(!allowed("/health", &[("host", host)]), "{host}");
        }
        assert!(!allowed("/health", &[]));
        assert!(!allowed("http://evil.example/health", &[("host", "localhost")]));
    }

    #[test]
    fn browsers_are_served_their_own_pages_only() {
        let host = ("host", "localhost:9100");
        assert!(allowed(
            "/x",
            &[host, ("origin", "http://localhost:9100"), ("sec-fetch-site", "same-origin")]
        ));
        assert!(allowed("/docs", &[host, ("sec-fetch-site", "none")]));
        assert!(!allowed("/x", &[host, ("origin", "http://evil.example")]));
        assert!(!allowed("/x", &[host, ("origin", "http://localhost:3000")]));
        assert!(!allowed("/x", &[host, ("origin", "null")]));
        assert!(!allowed("/x", &[host, ("sec-fetch-site", "cross-site")]));
        assert!(!allowed("/x", &[host, ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn the_clients_own_routes_are_private() {
        assert!(!allowed(wire::RUN, &[("host", "localhost")]));
        assert!(!allowed(wire::STATUS, &[("host", "localhost")]));
        for (given, is_allowed) in [
            ("Bearer secret", true),
            ("Bearer secreT", false),
            ("Bearer ", false),
            ("secret", false),
        ] {
            let headers = [("host", "localhost"), ("authorization", given)];
            assert_eq!(allowed(wire::RUN, &headers), is_allowed, "{given}");
        }
        let foreign = [("host", "evil.example"), ("authorization", "Bearer secret")];
        assert!(!allowed(wire::RUN, &foreign), "a page of another site has no use for it");
    }

    #[test]
    fn pages_of_allowed_origins_are_served_but_not_the_clients_own_routes() {
        let page = [
            ("host", "localhost"),
            ("origin", "vscode-webview://a"),
            ("sec-fetch-site", "cross-site"),
            ("authorization", "Bearer secret"),
        ];
        let origin = || HeaderValue::from_static("vscode-webview://a");
        assert_eq!(judged(false, &Method::POST, "/x", &page).unwrap(), Passed::Foreign(origin()));
        assert!(judged(false, &Method::POST, wire::RUN, &page).is_err());
        let mut asks = page[..3].to_vec();
        asks.push(("access-control-request-method", "POST"));
        for needs_token in [false, true] {
            let asked = judged(needs_token, &Method::OPTIONS, "/x", &asks).unwrap();
            assert_eq!(asked, Passed::Preflight(origin()));
        }
        let other = [("host", "localhost"), ("origin", "vscode-webview://b")];
        assert!(judged(false, &Method::OPTIONS, "/x", &other).is_err());
        let rebound = [("host", "evil.example"), page[1]];
        assert!(judged(false, &Method::GET, "/x", &rebound).is_err());
    }

    #[test]
    fn another_machine_needs_the_token_and_may_ask_for_any_name() {
        let token = ("authorization", "Bearer secret");
        for host in ["box.lan:9100", "192.0.2.1", "localhost", "evil.example"] {
            assert!(remote("/health", &[("host", host)]).is_err(), "{host}");
            assert_eq!(remote("/health", &[("host", host), token]).unwrap(), Passed::Plain);
        }
        let host = ("host", "box.lan");
        assert!(remote("/docs", &[host]).is_err());
        assert!(remote("/health", &[host, ("authorization", "Bearer secreT")]).is_err());
        for private in [wire::RUN, wire::STATUS, wire::MCP] {
            assert!(remote(private, &[host, token]).is_err(), "{private}");
        }
        assert!(remote("/health", &[host, token, ("origin", "http://evil.example")]).is_err());
        assert!(remote("/health", &[host, token, ("sec-fetch-site", "cross-site")]).is_err());
    }

    #[test]
    fn a_user_who_is_not_known_needs_the_token() {
        let host = ("host", "localhost");
        let token = ("authorization", "Bearer secret");
        assert!(judged(true, &Method::GET, "/health", &[host]).is_err());
        assert_eq!(judged(true, &Method::GET, "/health", &[host, token]).unwrap(), Passed::Plain);
        assert_eq!(judged(true, &Method::POST, wire::RUN, &[host, token]).unwrap(), Passed::Own);
        assert!(judged(true, &Method::GET, "/health", &[("host", "evil.example"), token]).is_err());
    }
}
