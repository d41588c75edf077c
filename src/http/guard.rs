//! Access control: the user's own programs are served, pages of other sites are not.
//!
//! The Unix socket is private by its mode. On TCP, any web page can make the browser send requests to
//! loopback. So a request must name a loopback host (which stops DNS rebinding), and one that a browser made
//! (which sends `Origin` or `Sec-Fetch-Site`) must come from a page of the daemon itself.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri, header};

use super::peer::Peer;
use crate::failure::{Failure, Kind};
use crate::wire;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks that a request may be served.
///
/// # Errors
/// The request comes from another site or host, or is for a route of the Unix socket only.
pub(super) fn check(peer: Peer, token: Option<&str>, request: &Request) -> Result<(), Failure> {
    match peer {
        Peer::Unix => Ok(()),
        Peer::Tcp(_) => judge(request.uri(), request.headers(), token).inspect_err(|failure| {
            let path = request.uri().path();
            tracing::warn!(path, reason = failure.error, "request refused");
        }),
    }
}

fn judge(uri: &Uri, headers: &HeaderMap, token: Option<&str>) -> Result<(), Failure> {
    let forbidden = |error: String| {
        Failure::new(Kind::Forbidden, error)
            .hint("Ask http://localhost directly, not through another site or name.")
    };
    let is_own = || token.is_some_and(|token| has_token(headers, token));
    if [wire::RUN, wire::STATUS, wire::MCP].contains(&uri.path()) && !is_own() {
        return Err(Failure::new(
            Kind::Forbidden,
            format!("{} is served on the Unix socket only, or with the daemon's token", uri.path()),
        ));
    }
    let named = headers.get(header::HOST).map(|host| host.to_str().unwrap_or_default());
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
        })?;
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = origin
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix("http://"))
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host));
        if !own {
            let origin = String::from_utf8_lossy(origin.as_bytes());
            return Err(forbidden(format!("the request comes from another site: {origin}")));
        }
    }
    match headers.get(&SEC_FETCH_SITE).map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(forbidden("the request comes from a page of another site".to_owned())),
    }
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

    fn allowed(uri: &str, headers: &[(&'static str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        judge(&uri.parse().unwrap(), &headers, Some("secret")).is_ok()
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
}
