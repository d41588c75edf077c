//! A plugin's answer as a response.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, Empty};

use crate::calls::{Answer, AnswerBody};

/// Returns an answer as a response, its body as it comes.
pub(super) fn response(Answer { head, body }: Answer) -> Response {
    let body = match body {
        // Of a body that must not be sent, the server would still send the length.
        AnswerBody::Whole(_) if is_bodiless(head.status) => Body::from_stream(nothing()),
        AnswerBody::Whole(body) => Body::from(body),
        AnswerBody::Stream(exchange) => Body::new(exchange),
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    // These belong to the connection, which is the daemon's business.
    response.headers_mut().remove(header::CONNECTION);
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    response
}

/// A body without pieces, of a length that is not known beforehand.
fn nothing() -> Empty<Result<Bytes, Infallible>> {
    stream::empty()
}

/// True for an answer that has no body, whatever the handler gave.
fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}
