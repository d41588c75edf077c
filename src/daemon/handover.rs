//! Both ends of a hand-over while the daemon runs; [`lifecycle::handover`](crate::lifecycle::handover) has its messages.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::ends::Signals;
use super::listen::{Inherited, Listeners};
use super::plugins::{LAST_REQUEST_LIMIT, Supervisor};
use super::upgrade;
use crate::failure::{Failure, Kind};
use crate::http::Service;
use crate::http::serve::Phase;
use crate::lifecycle::handover::{self, Reply, Request};
use crate::lifecycle::locks::HostLock;

/// Timeout of a message that only waits for a thread.
const PROMPT: Duration = Duration::from_secs(10);
/// How long a host that replaces another loads its plugins, before requests wait for them.
const LOADING_MAX: Duration = Duration::from_secs(120);
/// How long a successor may take to load its plugins.
const READY_MAX: Duration = Duration::from_secs(600);
/// How long the locks of a successor that died may outlast its connection.
const RELEASE_MAX: Duration = Duration::from_secs(1);
/// How long the exclusive plugins of a host that was replaced are waited for.
const RELEASED_MAX: Duration = LAST_REQUEST_LIMIT;
/// The longest message, in bytes.
const MESSAGE_MAX: usize = 64 * 1024;

/// Why the daemon ends.
pub(super) enum End {
    /// A successor serves.
    Successor(UnixStream),
    /// A program stops the daemon, and waits for the report.
    Stop(UnixStream),
}

/// The host that is about to be replaced.
pub(super) struct Predecessor {
    stream: StdUnixStream,
    /// Its process id.
    pid: i32,
}

impl Predecessor {
    /// Receives the sockets of the host at the other end of `stream`.
    ///
    /// # Errors
    /// It is gone, or sends something else.
    pub(super) fn meet(stream: StdUnixStream) -> Result<(Predecessor, Inherited), Failure> {
        let failed = |error: &io::Error| {
            let message = format!("cannot take over the sockets of the running daemon: {error}");
            Failure::new(Kind::Unavailable, message)
        };
        let (offer, sockets) = handover::receive_offer(&stream).map_err(|error| failed(&error))?;
        let pid = offer.pid;
        let inherited = Inherited::new(offer, sockets)
            .ok_or_else(|| failed(&io::ErrorKind::InvalidData.into()))?;
        Ok((Predecessor { stream, pid }, inherited))
    }

    /// Takes its place once the plugins are loaded; `None` if a signal ends this host before. Without success the
    /// plugins are unloaded again.
    ///
    /// # Errors
    /// It goes on serving, or another host does.
    pub(super) async fn succeed(
        self,
        supervisor: &Supervisor,
        lock: HostLock,
        signals: &mut Signals,
    ) -> Result<Option<UnixStream>, Failure> {
        let pid = self.pid;
        let relieving = async {
            // Requests wait for what is not loaded by then.
            let _ = timeout(LOADING_MAX, supervisor.settled()).await;
            self.relieve(lock).await.map(Some)
        };
        let outcome = tokio::select! {
            outcome = relieving => outcome,
            _ = signals.next() => Ok(None),
        };
        match &outcome {
            Ok(Some(_)) => tracing::info!(predecessor = pid, "took over the sockets"),
            _ => drop(supervisor.end().await),
        }
        outcome
    }

    /// Has it stop accepting, and takes the serving lock; the sockets are then this host's.
    ///
    /// # Errors
    /// It goes on serving, or another host does.
    async fn relieve(self, lock: HostLock) -> Result<UnixStream, Failure> {
        let failed = |error: io::Error| {
            Failure::environment(format!("cannot speak with the running daemon: {error}"))
        };
        self.stream.set_nonblocking(true).map_err(failed)?;
        let mut stream = UnixStream::from_std(self.stream).map_err(failed)?;
        // Where it is gone, the lock is free.
        if write(&mut stream, &Request::Ready).await.is_ok() {
            let _: Result<Reply, _> = prompt(read(&mut stream)).await;
        }
        lock.serve()?;
        Ok(stream)
    }
}

/// Reports to the predecessor that this host accepts; resolves when its exclusive plugins are unloaded.
pub(super) async fn relieved(mut stream: UnixStream) {
    // Any error means that it is gone, and its plugins with it; one that is silent was stopped.
    if write(&mut stream, &Request::Serving).await.is_ok() {
        let _ = timeout(RELEASED_MAX, read::<Reply>(&mut stream)).await;
    }
}

/// The end of the old host.
pub(super) struct Giver<'a> {
    pub(super) listeners: &'a Listeners,
    pub(super) lock: HostLock,
    pub(super) phases: &'a watch::Sender<Phase>,
    pub(super) service: &'a Service,
    pub(super) upgrade: &'a upgrade::Watch,
}

impl Giver<'_> {
    /// Answers programs one after the other; resolves when this daemon is to end.
    pub(super) async fn answer(&self) -> End {
        loop {
            let Ok((stream, _)) = self.listeners.handover().accept().await else {
                sleep(RELEASE_MAX).await;
                continue;
            };
            let own = nix::unistd::geteuid().as_raw();
            if stream.peer_cred().is_ok_and(|peer| peer.uid() == own)
                && let Some(end) = self.converse(stream).await
            {
                return end;
            }
        }
    }

    async fn converse(&self, mut stream: UnixStream) -> Option<End> {
        match prompt(read(&mut stream)).await {
            Ok(Request::Stop) => {
                // It gets the report at the end, or is gone.
                let _ = write(&mut stream, &Reply::Stopping).await;
                return Some(End::Stop(stream));
            }
            Ok(Request::TakeOver) => {}
            _ => return None,
        }
        self.service.replacing.store(true, Ordering::Relaxed);
        let end = self.replace(stream).await;
        self.service.replacing.store(false, Ordering::Relaxed);
        end
    }

    async fn replace(&self, mut stream: UnixStream) -> Option<End> {
        let (offer, sockets) = self.listeners.offer();
        handover::send_offer(stream.as_raw_fd(), &offer, &sockets).ok()?;
        tracing::info!("a new process is taking over");
        let failure = match timeout(READY_MAX, read(&mut stream)).await {
            Ok(Ok(Request::Ready)) => match self.give(&mut stream).await {
                Ok(()) => return Some(End::Successor(stream)),
                Err(failure) => failure,
            },
            Ok(Ok(Request::Failed { failure })) => failure,
            Ok(_) => Failure::environment("the new process ended without a report"),
            Err(_) => Failure::environment(format!(
                "the new process was not ready after {} s",
                READY_MAX.as_secs()
            )),
        };
        self.failed(&failure);
        None
    }

    /// Has the successor serve; on an error this host serves again.
    async fn give(&self, stream: &mut UnixStream) -> Result<(), Failure> {
        self.phases.send_replace(Phase::Paused);
        self.lock.cease();
        let serving = async {
            write(stream, &Reply::Yours).await?;
            read(stream).await
        };
        let failure = match prompt(serving).await {
            Ok(Request::Serving) => return Ok(()),
            Ok(Request::Failed { failure }) => failure,
            _ => Failure::environment("the new process ended while it took over"),
        };
        let again = async {
            while self.lock.serve().is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(RELEASE_MAX, again).await.is_err() {
            // It has the lock: it serves, or hangs, which is for the clients to find out.
            return Ok(());
        }
        self.phases.send_replace(Phase::Accepting);
        Err(failure)
    }

    fn failed(&self, failure: &Failure) {
        tracing::error!(error = failure.error, hint = failure.hint, "not replaced");
        self.upgrade.not_replaced(&self.service.notices, &failure.error);
    }
}

/// Writes a message.
pub(super) async fn write(
    stream: &mut UnixStream,
    message: &impl serde::Serialize,
) -> io::Result<()> {
    stream.write_all(&handover::line(message)?).await
}

/// Reads a message, and nothing beyond it.
async fn read<T: serde::de::DeserializeOwned>(stream: &mut UnixStream) -> io::Result<T> {
    let mut message = Vec::new();
    while message.len() < MESSAGE_MAX {
        match stream.read_u8().await? {
            b'\n' => return Ok(serde_json::from_slice(&message)?),
            byte => message.push(byte),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

async fn prompt<T>(message: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PROMPT, message).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
