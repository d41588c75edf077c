//! The bridge between a pair of sockets as stdin, and a daemon that the test plays on a real Unix socket.

mod cases;

use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::*;
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::Kind;
use crate::paths::Paths;
use crate::wire;

/// The longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

const INITIALIZE: &str = r#"{"id":0,"method":"initialize"}"#;
const INITIALIZED: &str = r#"{"method":"notifications/initialized"}"#;
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

/// A bridge that runs on a thread.
struct Stage {
    _home: TempDir,
    paths: Paths,
    stdin: UnixStream,
    stdout: Receiver<String>,
    outcome: JoinHandle<Result<(), Failure>>,
}

/// A daemon that listens, and answers pings.
struct Listening {
    paths: Paths,
    sessions: Receiver<Peer>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The daemon's end of a session.
struct Peer {
    head: String,
    reader: BufReader<UnixStream>,
}

impl Stage {
    fn begin() -> (Stage, Listening) {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        let paths = Paths {
            profile: None,
            home: at(""),
            runtime: at("run"),
            config: at("config"),
            bin: at("bin"),
        };
        paths.create().unwrap();
        let listening = Listening::at(&paths);
        let env = Environment::default();
        let console = Console::of_process(&env);
        let plugin = Some("ji ra".to_owned());
        let daemon =
            Daemon { paths: paths.clone(), env, console, plugin, tools: Some("a,b".into()) };
        let (stdin, input) = UnixStream::pair().unwrap();
        let (printed, stdout) = mpsc::channel();
        let output = move |line: &[u8]| {
            let _ = printed.send(String::from_utf8(line.to_vec()).unwrap());
            Ok(())
        };
        let outcome = thread::spawn(move || Bridge::run(&daemon, input, output));
        (Stage { _home: home, paths, stdin, stdout, outcome }, listening)
    }

    fn send(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    #[track_caller]
    fn prints(&self, line: &str) {
        assert_eq!(self.stdout.recv_timeout(PATIENCE).unwrap(), line);
    }

    /// Makes the handshake on the first connection.
    fn shake(&mut self, peer: &mut Peer) {
        self.send(INITIALIZE);
        peer.gets(INITIALIZE);
        peer.say(&answer(0));
        self.prints(&answer(0));
        self.send(INITIALIZED);
        peer.gets(INITIALIZED);
    }

    /// Ends stdin, and waits for the bridge's end.
    fn end(self, mut peer: Peer) {
        self.stdin.shutdown(Shutdown::Write).unwrap();
        assert_eq!(peer.line(), None);
        peer.say(&answer(99));
        self.prints(&answer(99));
        assert!(!self.outcome.is_finished(), "the answer is read to its end");
        peer.finish();
        self.outcome.join().unwrap().unwrap();
    }
}

impl Listening {
    fn at(paths: &Paths) -> Listening {
        // The place of a daemon that has ended.
        let _ = std::fs::remove_file(paths.socket());
        let listener = UnixListener::bind(paths.socket()).unwrap();
        let (sender, sessions) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let stops = ended.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                let mut peer = Peer::over(stream.unwrap());
                if peer.head.starts_with("POST") {
                    let _ = sender.send(peer);
                } else if peer.head.contains(wire::STATUS) {
                    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
                }
            }
        });
        Listening { paths: paths.clone(), sessions, ended, thread: Some(thread) }
    }

    /// Returns the next session without an answer.
    fn requested(&self) -> Peer {
        self.sessions.recv_timeout(PATIENCE).unwrap()
    }

    /// Returns the next session.
    fn session(&self) -> Peer {
        let mut peer = self.requested();
        peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        peer
    }
}

/// It no longer listens.
impl Drop for Listening {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Its directory may be gone.
        if UnixStream::connect(self.paths.socket()).is_ok() {
            self.thread.take().unwrap().join().unwrap();
        }
    }
}

impl Peer {
    fn over(stream: UnixStream) -> Peer {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (mut reader, mut head) = (BufReader::new(stream), String::new());
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
        Peer { head, reader }
    }

    fn write(&mut self, text: &str) {
        // A client that was only looking has gone.
        let _ = self.reader.get_mut().write_all(text.as_bytes());
    }

    /// Reads the next line, which has a chunk of its own; `None` at the end of the body.
    #[track_caller]
    fn line(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).unwrap();
        let chunk = String::from_utf8(chunk).unwrap();
        (size > 0).then(|| chunk.strip_suffix("\n\r\n").unwrap().to_owned())
    }

    #[track_caller]
    fn gets(&mut self, line: &str) {
        assert_eq!(self.line().as_deref(), Some(line));
    }

    fn say(&mut self, line: &str) {
        self.write(&format!("{:x}\r\n{line}\n\r\n", line.len() + 1));
    }

    /// Ends the answer.
    fn finish(mut self) {
        self.write("0\r\n\r\n");
    }
}

fn request(id: u32, method: &str) -> String {
    format!(r#"{{"id":{id},"method":"{method}"}}"#)
}

fn answer(id: u32) -> String {
    format!(r#"{{"id":{id},"result":{{}}}}"#)
}
