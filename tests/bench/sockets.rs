//! Load of the WebSocket bench: connections that are idle, or that send a message whenever the last came back.
//!
//! ```sh
//! sockets idle PORT PATH COUNT            # prints `open` once all are; ends with its stdin
//! sockets busy PORT PATH COUNT SECONDS    # prints how many messages came back
//! ```

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::io::Read;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// The message that is echoed.
const MESSAGE: &str = "0123456789012345678901234567890123456789012345678901234567890123";

type Socket = WebSocketStream<TcpStream>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // One thread: it shares the machine with the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&arguments));
}

async fn run(arguments: &[String]) {
    let [mode, port, path, count, rest @ ..] = arguments else { panic!("see the first lines") };
    let (port, count): (u16, usize) = (port.parse().unwrap(), count.parse().unwrap());
    let mut sockets = Vec::new();
    for _ in 0..count {
        sockets.push(open(port, path).await);
    }
    match mode.as_str() {
        "idle" => {
            println!("open");
            // Pings are answered meanwhile.
            let mut reading = JoinSet::new();
            for mut socket in sockets {
                reading.spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
            }
            tokio::task::spawn_blocking(wait_for_stdin).await.unwrap();
        }
        "busy" => {
            let seconds: u64 = rest[0].parse().unwrap();
            let end = Instant::now() + Duration::from_secs(seconds);
            let mut sending = JoinSet::new();
            for socket in sockets {
                sending.spawn(echo_until(socket, end));
            }
            let echoed: usize = sending.join_all().await.into_iter().sum();
            println!("{echoed}");
        }
        other => panic!("unknown mode {other}"),
    }
}

/// Opens a connection and has one message echoed.
async fn open(port: u16, path: &str) -> Socket {
    let stream = loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => break stream,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    stream.set_nodelay(true).unwrap();
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let url = format!("ws://localhost:{port}{path}");
    let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await.unwrap();
    echo(&mut socket).await;
    socket
}

async fn echo(socket: &mut Socket) {
    socket.send(Message::text(MESSAGE)).await.unwrap();
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return assert_eq!(text, MESSAGE),
            Message::Ping(_) => {}
            other => panic!("not an echo: {other:?}"),
        }
    }
}

async fn echo_until(mut socket: Socket, end: Instant) -> usize {
    let mut count = 0;
    while Instant::now() < end {
        echo(&mut socket).await;
        count += 1;
    }
    count
}

fn wait_for_stdin() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
