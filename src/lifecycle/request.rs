//! A request to the daemon, and what follows its body.

use std::fs::File;

/// One request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Method in capitals.
    pub method: &'a str,
    /// Path and query, already encoded.
    pub target: &'a str,
    /// Further headers; neither names nor values hold line breaks.
    pub headers: &'a [(&'a str, &'a str)],
    /// JSON body; empty for none.
    pub body: &'a [u8],
    /// What follows the body, which is one line then, while the answer is made.
    pub follows: Following<'a>,
}

/// What a client sends after the body of a request.
#[derive(Clone, Copy, Debug, Default)]
pub enum Following<'a> {
    /// Nothing.
    #[default]
    Nothing,
    /// This process's stdin, as it comes.
    Stdin,
    /// The content of a file.
    File(&'a File),
    /// The replies that [`Response::take_upstream`](super::Response::take_upstream) sends.
    Replies,
}

impl<'a> Request<'a> {
    /// A GET without further headers.
    pub fn get(target: &'a str) -> Request<'a> {
        Request { method: "GET", target, headers: &[], body: &[], follows: Following::Nothing }
    }

    /// A POST without a body.
    pub fn post(target: &'a str) -> Request<'a> {
        Request { method: "POST", target, headers: &[], body: &[], follows: Following::Nothing }
    }
}
