//! Forms in request bodies, parsed as Starlette's parsers with `python-multipart` parse them.
//!
//! Only what is plain is parsed: the spelling that browsers and HTTP libraries send, on which all versions of
//! these parsers agree. Anything else (other charsets, extended parameters, a preamble, a limit that is exceeded,
//! a malformed body) is uncertain, which is `None`; it is for Starlette itself, whose result or error then holds. The
//! entries borrow from the body; nothing is copied but names and values with escapes.
//!
//! To accept one more spelling: check it against all versions that `tests/it/forms.rs` compares with.

mod content_type;
mod disposition;
mod multipart;
mod urlencoded;

use std::borrow::Cow;
use std::ops::Range;

use content_type::ContentType;

/// Limits of a form; one that exceeds them is uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of files.
    pub files: usize,
    /// Largest number of other fields.
    pub fields: usize,
    /// Largest size of a field that is no file, in bytes.
    pub field_size: usize,
}

/// One entry of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'b> {
    /// A field and its text.
    Field {
        /// Name, decoded.
        name: Cow<'b, str>,
        /// Value, decoded.
        value: Cow<'b, str>,
    },
    /// A file.
    File(File<'b>),
}

/// A file in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File<'b> {
    /// Name of the field.
    pub name: &'b str,
    /// Name of the file; may be empty.
    pub filename: &'b str,
    /// The headers of the part: names in lower case, values as they were sent.
    pub headers: Vec<(String, &'b [u8])>,
    /// Where in the body the content lies.
    pub content: Range<usize>,
}

/// Returns the entries of a form in the order of the body, or `None` where Starlette has to parse it.
pub fn parse<'b>(content_type: &str, body: &'b [u8], limits: &Limits) -> Option<Vec<Entry<'b>>> {
    match ContentType::parse(content_type)? {
        ContentType::UrlEncoded => urlencoded::parse(body, limits),
        ContentType::Multipart { boundary } => multipart::parse(boundary, body, limits),
    }
}
