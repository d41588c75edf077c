//! Serving the routes on a listener, until the daemon stops.

use std::future::IntoFuture;
use std::io;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, UnixListener};

use super::entry::Entry;
use super::peer::{Loopback, Peer};

/// Serves `entry` on the private socket; resolves when `stopped` has and the last request has ended.
pub async fn unix(
    listener: UnixListener,
    entry: Entry,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve(listener, entry, stopped).await
}

/// Serves `entry` on a loopback port; resolves when `stopped` has and the last request has ended.
pub async fn tcp(
    listener: TcpListener,
    entry: Entry,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve(Loopback(listener), entry, stopped).await
}

async fn serve<L: Listener>(
    listener: L,
    entry: Entry,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()>
where
    L::Addr: std::fmt::Debug,
    Peer: for<'a> Connected<IncomingStream<'a, L>>,
{
    axum::serve(listener, entry).with_graceful_shutdown(stopped).into_future().await
}
