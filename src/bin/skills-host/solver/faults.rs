//! Whose fault it is that metadata cannot be read: the package's, or the network's and the machine's.

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
            | ErrorKind::Zip(..) => Some(client.to_string()),
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
        | Error::RequiresPython(..) => Some(error.to_string()),
        _ => None,
    }
}

/// True for an HTTP status that will be the same next time.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 425 | 429)
}
