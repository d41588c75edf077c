//! From a request to the handler and its arguments, where both are certain.

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;

use super::BODY_MAX;
use crate::command::Command;
use crate::exchange::Incoming;
use crate::exchange::head::RequestHead;
use crate::exchange::request::Composed;
use crate::failure::{Failure, Kind};
use crate::registry::Served;
use crate::routes::bind::{Values, bind};
use crate::routes::request::RequestValues;
use crate::routes::table::Matched;
use crate::runtime::Direct;

/// A body of at most this many bytes is waited for before its handler is called directly.
const SHORT_BODY_MAX: u64 = 1 << 20;

/// A request and what is certain of its handler.
pub(super) struct Bound<B> {
    /// Index of the command, where one is certain to be meant.
    pub(super) command: Option<usize>,
    /// The body.
    pub(super) incoming: Incoming,
    /// The handler with its arguments, where both are certain.
    pub(super) direct: Option<Direct>,
    /// What of the body is still to be fed to the plugin.
    pub(super) rest: Option<B>,
}

/// Binds a request over HTTP.
///
/// # Errors
/// The body is too large, or was cut off.
pub(super) async fn of_http<B>(
    plugin: &Served,
    head: &RequestHead,
    body: B,
) -> Result<Bound<B>, Failure>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let size = body.size_hint().lower();
    if size > BODY_MAX as u64 {
        return Err(Failure::body_too_large(Some(size), BODY_MAX as u64));
    }
    let matched = matched(plugin, head);
    let index = matched.as_ref().map(|matched| matched.command);
    let direct = |body: &[u8]| bound(plugin, matched.as_ref()?, head, body);
    let result = |incoming, direct, rest| Ok(Bound { command: index, incoming, direct, rest });
    if body.is_end_stream() {
        return result(Incoming::Whole(Bytes::new()), direct(b""), None);
    }
    let command = matched.as_ref().and_then(|matched| command(plugin, matched));
    if !command.is_some_and(Command::awaits_body) {
        return result(Incoming::Fed, direct(b""), Some(body));
    }
    if body.size_hint().exact().is_none_or(|size| size > SHORT_BODY_MAX) {
        // The loop reads it as it comes.
        let is_bound = command.is_some_and(Command::binds_body);
        let direct = direct(b"").filter(|_| !is_bound);
        let direct = direct.map(|direct| Direct { begins_on_loop: true, ..direct });
        return result(Incoming::Fed, direct, Some(body));
    }
    // On the heap: most requests have no body, and must not carry the room for one.
    match Box::pin(body.collect()).await {
        Ok(body) => {
            let body = body.to_bytes();
            let direct = direct(&body);
            result(Incoming::Whole(body), direct, None)
        }
        // The answer has no reader any more.
        Err(error) => Err(Failure::new(Kind::Usage, error.to_string())),
    }
}

/// Binds the values of a command.
pub(super) fn of_command(
    plugin: &Served,
    command: Option<usize>,
    composed: &Composed,
) -> Option<Direct> {
    match command {
        Some(index) => direct(plugin.metadata.description.command(index)?, composed),
        None => None,
    }
}

/// The command that a request is certain to be for.
fn matched<'m>(plugin: &'m Served, head: &'m RequestHead) -> Option<Matched<'m>> {
    let below = head.target.path().strip_prefix('/')?.strip_prefix(plugin.name())?;
    plugin.table.find(head.method.as_str(), below)
}

fn command<'p>(plugin: &'p Served, matched: &Matched) -> Option<&'p Command> {
    plugin.metadata.description.command(matched.command)
}

fn bound(plugin: &Served, matched: &Matched, head: &RequestHead, body: &[u8]) -> Option<Direct> {
    let command = command(plugin, matched)?;
    let (query, headers) = (head.target.query(), &head.headers);
    let values = RequestValues::parse(command, command.plan()?, matched, query, headers, body);
    direct(command, &values)
}

fn direct(command: &Command, values: &impl Values) -> Option<Direct> {
    let plan = command.plan()?;
    let values = bind(command, plan, values).ok()?;
    Some(Direct { plan: plan.number, begins_on_loop: plan.begins_on_loop, values })
}
