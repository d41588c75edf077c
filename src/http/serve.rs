//! Serving connections on a listener: from accepting the first to the end of the last.
//!
//! A client on a connection that is kept alive may be sending its next request at the very moment at which the
//! connection is closed, and cannot know then whether the request was carried out. So a daemon with a successor closes a
//! connection after an answer that says so (`connection: close`), and those without a request only after a linger.
//!
//! [`gate`](super::gate) decides which connections are served, [`meter`](super::meter) when one has taken too long.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, unix};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::entry::{Connection, Entry};
use super::gate::Admitted;
use super::metered::Metered;
use super::peer::Arrival;

/// Pause after the system refused a connection for lack of descriptors or memory.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// What a server does; it goes from one to the next, and back only from `Paused` to `Accepting`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It accepts connections.
    #[default]
    Accepting,
    /// Connections wait in the queue of the listener.
    Paused,
    /// The listener is closed; each connection ends after its next answer.
    Lingering,
    /// Connections without a request are closed, the others after their answer.
    Closing,
    /// All connections are cut.
    Cut,
}

/// A listener whose connections are served.
pub trait Accept: Send + Sync + 'static {
    /// The byte stream of a connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts a connection; cancelling it loses none.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, Arrival)>> + Send;
}

impl Accept for UnixListener {
    type Io = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Arrival)> {
        let (stream, _): (_, unix::SocketAddr) = UnixListener::accept(self).await?;
        let user = stream.peer_cred().ok().map(|credentials| credentials.uid());
        Ok((stream, Arrival::Unix(user)))
    }
}

impl Accept for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Arrival)> {
        let (stream, peer): (_, SocketAddr) = TcpListener::accept(self).await?;
        // Without it answers are only later.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().ok();
        Ok((stream, Arrival::Tcp { peer, local }))
    }
}

/// Serves `entry` on the connections of `listener`; resolves when the last one has ended.
pub async fn serve<L: Accept>(listener: Arc<L>, entry: Entry, mut phases: watch::Receiver<Phase>) {
    let mut connections = JoinSet::new();
    loop {
        let phase = *phases.borrow_and_update();
        if phase > Phase::Paused {
            break;
        }
        tokio::select! {
            accepted = listener.accept(), if phase == Phase::Accepting => match accepted {
                Ok((io, arrival)) => match entry.gate().admit(arrival) {
                    Ok(admitted) => {
                        connections.spawn(connection(io, admitted, entry.clone(), phases.clone()));
                    }
                    Err(refusal) => {
                        if let Some(rest) = entry.gate().turn_away(io, refusal) {
                            connections.spawn(rest);
                        }
                    }
                },
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
            changed = phases.changed() => if changed.is_err() {
                break;
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = ended => {}
        // An error means that the daemon is gone.
        _ = phases.wait_for(|phase| *phase == Phase::Cut) => {}
    }
    connections.shutdown().await;
}

async fn connection(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    admitted: Admitted,
    entry: Entry,
    mut phases: watch::Receiver<Phase>,
) {
    let service = entry.connection(admitted.peer);
    let slot = service.slot();
    http(io, service, phases.clone()).await;
    if let Some(opened) = slot.take() {
        let ends = async move {
            // A successor takes new connections from then on. An error means that the daemon is gone.
            let _ = phases.wait_for(|phase| *phase >= Phase::Lingering).await;
        };
        // On the heap: most connections never become a WebSocket.
        Box::pin(opened.run(ends)).await;
    }
}

/// Serves HTTP on a connection until it ends, takes too long, or becomes a WebSocket.
async fn http(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: Connection,
    mut phases: watch::Receiver<Phase>,
) {
    let (settings, meter) = (service.settings(), service.meter());
    let io = TokioIo::new(Metered::new(io, meter.clone()));
    let served = http1::Builder::new()
        .max_header_size(settings.limits.header_bytes)
        .serve_connection(io, service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let mut watched = std::pin::pin!(async move {
        match meter.is_timed() {
            true => meter.watch(&settings.limits).await,
            false => std::future::pending().await,
        }
    });
    // The other end may go away at any time, which is no error here.
    tokio::select! {
        _ = served.as_mut() => return,
        () = watched.as_mut() => return slow(),
        _ = phases.wait_for(|phase| *phase >= Phase::Closing) => {}
    }
    served.as_mut().graceful_shutdown();
    tokio::select! {
        _ = served => {}
        () = watched => slow(),
    }
}

/// Reports a connection that is cut.
fn slow() {
    tracing::info!("a client does not read its answer: its connection is cut");
}

/// True if the error concerns the one connection.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
