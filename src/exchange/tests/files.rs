//! Answers that are files.

use http::header;
use http_body_util::BodyExt;

use super::*;

/// A file with `size` bytes, opened.
fn file(size: usize) -> std::fs::File {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&path, vec![b'x'; size]).unwrap();
    // It is removed when `path` is dropped.
    std::fs::File::open(&path).unwrap()
}

fn of_length(length: usize) -> ResponseHead {
    let length = (header::CONTENT_LENGTH, length.into());
    ResponseHead { status: StatusCode::OK, headers: HeaderMap::from_iter([length]) }
}

#[tokio::test]
async fn a_file_is_sent_whole_and_the_plugin_woken_when_all_of_it_was_taken() {
    const SIZE: usize = 3 * BUFFER + 1;
    let (mut io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
    plugin.respond(of_length(SIZE));
    plugin.send_file(file(SIZE));
    assert!(!plugin.is_sent().unwrap());
    io.head().await.unwrap();
    assert_eq!(io.whole(), None);
    let first = io.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.len() <= BUFFER, "it comes in pieces");
    assert_eq!((woken.times(), plugin.is_sent().unwrap()), (0, false));
    let rest = (&mut io).collect().await.unwrap().to_bytes();
    assert_eq!(first.len() + rest.len(), SIZE);
    assert_eq!((woken.times(), plugin.is_sent().unwrap()), (1, true));
    assert!(io.is_complete());
}

#[tokio::test]
async fn a_file_that_is_too_short_aborts_the_answer_and_the_plugin_gets_the_reason() {
    let (mut io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
    plugin.respond(of_length(10));
    plugin.send_file(file(3));
    assert!(!plugin.is_sent().unwrap());
    io.head().await.unwrap();
    assert!((&mut io).collect().await.is_err());
    assert_eq!(woken.times(), 1);
    drop(io);
    let reason = plugin.is_sent().unwrap_err();
    assert_eq!(reason.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(plugin.is_sent().unwrap());
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_sending_of_a_file() {
    for takes_a_piece in [false, true] {
        let (mut io, plugin, woken) = pair(Incoming::Whole(Bytes::new()));
        plugin.respond(of_length(3 * BUFFER));
        plugin.send_file(file(3 * BUFFER));
        assert!(!plugin.is_sent().unwrap());
        io.head().await.unwrap();
        if takes_a_piece {
            io.frame().await.unwrap().unwrap();
        }
        drop(io);
        assert_eq!((woken.times(), plugin.is_sent().unwrap()), (1, true));
    }
}

#[tokio::test]
async fn a_plugin_that_lets_go_of_a_file_aborts_the_answer() {
    let (mut io, plugin, _) = pair(Incoming::Whole(Bytes::new()));
    plugin.respond(of_length(3 * BUFFER));
    plugin.send_file(file(3 * BUFFER));
    io.head().await.unwrap();
    io.frame().await.unwrap().unwrap();
    drop(plugin);
    assert!(io.collect().await.is_err());
}
