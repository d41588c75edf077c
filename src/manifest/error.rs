//! Errors of reading a manifest.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The largest manifest, in bytes.
pub(super) const SIZE_MAX: u64 = 1 << 20;

/// Error of reading a manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is larger than a manifest may be.
    #[error("{path} is too large ({size} bytes, limit {SIZE_MAX})")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file is not JSON.
    #[error("{path} is not JSON: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's error, with line and column.
        message: String,
    },
    /// The file is JSON, but not an object.
    #[error("{path} must hold a JSON object")]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// A field is there twice.
    #[error("{path}: {message}")]
    Fields {
        /// The file.
        path: PathBuf,
        /// The error, with line and column.
        message: String,
    },
    /// The metadata in a `.py` file are not those of a script.
    #[error("{path} line {line}: {message}")]
    Script {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The error.
        message: String,
    },
    /// A field does not have the type it must have.
    #[error("{path}: field `{field}`: {message}")]
    Field {
        /// The file.
        path: PathBuf,
        /// The field's path: `cli.examples[0]`.
        field: String,
        /// The error.
        message: String,
    },
}

impl ManifestError {
    /// Removes line and column, which are those of a part.
    pub(super) fn without_position(mut self) -> ManifestError {
        if let ManifestError::Field { message, .. } = &mut self
            && let Some(at) = message.rfind(" at line ")
        {
            message.truncate(at);
        }
        self
    }
}
