//! Whose fault it is that metadata cannot be read: the package's, or the network's and the machine's.

use std::iter;

use uv_client::ErrorKind;
use uv_distribution::Error;

/// Returns why the package itself has no metadata, or `None` if another attempt may succeed.
pub(super) fn of_package(error: &Error) -> Option<String> {
    match error {
        Error::NoBuild | Error::NoBuildPackage(_) => {
            Some("no wheel of it fits, it would have to be built from its source".to_owned())
        }
        Error::Client(client) => match client.kind() {
            ErrorKind::WrappedReqwestError(url, error) => {
                let status = error.status().filter(|status| is_final(status.as_u16()))?;
                Some(format!("{url} answers with {status}"))
            }
            ErrorKind::Metadata(..)
            | ErrorKind::MetadataParseError(..)
            | ErrorKind::WheelFilename(_)
            | ErrorKind::NameMismatch { .. }
            | ErrorKind::Zip(..) => Some(causes(client)),
            _ => None,
        },
        Error::InvalidUrl(_)
        | Error::NonFileUrl(_)
        | Error::NotFound(_)
        | Error::WheelFilename(_)
        | Error::WheelMetadataNameMismatch { .. }
        | Error::WheelMetadataVersionMismatch { .. }
        | Error::Metadata(_)
        | Error::WheelMetadata(..)
        | Error::Extract(..)
        | Error::MissingPkgInfo
        | Error::MissingSubdirectory(..)
        | Error::PkgInfo(_)
        | Error::MissingPyprojectToml
        | Error::PyprojectToml(_)
        | Error::MetadataLowering(_)
        | Error::RequiresPython(..) => Some(causes(error)),
        _ => None,
    }
}

/// Returns an error with its causes: `cannot fetch …: connection refused`.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let causes = iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    // Some errors repeat the text of their cause.
    texts.dedup();
    texts.join(": ")
}

/// True for an HTTP status that will be the same next time.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 425 | 429)
}
