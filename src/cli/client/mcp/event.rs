//! What the bridge waits for.

/// One of the events that the bridge waits for; lines have no newline.
#[derive(Debug)]
pub(super) enum Event {
    /// A line from the client.
    Line(Vec<u8>),
    /// A line from the client that is too long, and was skipped.
    TooLong,
    /// The end of the client's lines.
    InputEnded,
    /// A line from the daemon.
    Answer(Vec<u8>),
    /// The end of the connection to the daemon.
    Ended,
}
