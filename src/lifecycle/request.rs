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
    /// The lines that [`Response::take_upstream`](super::Response::take_upstream) sends once the answer has begun; there
    /// is no body before them.
    Lines,
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
    /// Returns the head; `token` is that of a daemon that is reached over TCP.
    pub(super) fn head(&self, token: Option<&str>) -> String {
        let Request { method, target, headers, body, follows } = self;
        let version = crate::VERSION;
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nuser-agent: skills-client/{version}\r\n"
        );
        if let Some(token) = token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in *headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // `Expect` makes the daemon answer `100 Continue` when it begins to read the request: an end of the
        // connection before that proves that nothing was done.
        head.push_str(&match follows {
            // The answer begins at once: until then nothing is sent that could be lost.
            Following::Lines => {
                "content-type: application/jsonl\r\ntransfer-encoding: chunked\r\n".to_owned()
            }
            Following::Stdin | Following::File(_) | Following::Replies => {
                "content-type: application/json\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n"
                    .to_owned()
            }
            Following::Nothing if !body.is_empty() => format!(
                "content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n",
                body.len()
            ),
            Following::Nothing if *method != "GET" => "content-length: 0\r\n".to_owned(),
            Following::Nothing => String::new(),
        });
        head.push_str("\r\n");
        head
    }
}
