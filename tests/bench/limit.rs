//! Upper bound of the benches: the bench plugin's routes served by axum alone, without Python.
//!
//! Same paths, same checks of the parameters, same JSON, same runtime settings as the host. Prints its
//! port, then serves until it is killed.

use std::io::Write;
use std::time::Duration;

use axum::extract::{Path, Query, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// As in the host.
const IO_THREADS_MAX: usize = 4;
/// How many rows `/bench/rows` answers.
const ROWS: u32 = 1000;

#[derive(Deserialize)]
struct Parameters {
    count: u32,
    #[serde(default)]
    loud: bool,
}

#[derive(Deserialize)]
struct Order {
    item: String,
    count: u32,
    #[serde(default)]
    gift: bool,
}

#[derive(Serialize)]
struct Answer<T> {
    success: bool,
    data: T,
}

#[derive(Serialize)]
struct Echo {
    word: String,
    count: u32,
    loud: bool,
}

#[derive(Serialize)]
struct Ordered {
    item: String,
    count: u32,
    gift: bool,
}

#[derive(Serialize)]
struct Row {
    id: u32,
    key: String,
    ratio: f64,
    done: bool,
    assignee: Option<String>,
}

fn main() -> std::io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(IO_THREADS_MAX);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?
        .block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let rows: &'static [Row] = Vec::leak((0..ROWS).map(row).collect());
    let answer_rows = move || async move { answer(rows) };
    let router = Router::new()
        .route("/bench/async/{word}", get(echo))
        .route("/bench/def/{word}", get(echo))
        .route("/bench/depends/{word}", get(echo))
        .route("/bench/yield/{word}", get(echo))
        .route("/bench/order", post(order))
        .route("/bench/rows", get(answer_rows))
        .route("/bench/typed-rows", get(answer_rows))
        .route("/bench/sleep", get(sleep))
        .fallback(async |_: Request| StatusCode::NOT_FOUND);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    std::io::stdout().flush()?;
    let listener = listener.tap_io(|stream| {
        // Without it answers are only later.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

async fn echo(Path(word): Path<String>, Query(parameters): Query<Parameters>) -> Response {
    let Parameters { count, loud } = parameters;
    match count {
        1..=1000 => answer(Echo { word, count, loud }),
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

async fn order(Json(order): Json<Order>) -> Response {
    let Order { item, count, gift } = order;
    match count {
        1..=99 => answer(Ordered { item, count, gift }),
        _ => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

async fn sleep() -> Response {
    tokio::time::sleep(Duration::from_millis(10)).await;
    answer("slept")
}

fn answer<T: Serialize>(data: T) -> Response {
    Json(Answer { success: true, data }).into_response()
}

fn row(id: u32) -> Row {
    Row {
        id,
        key: format!("PROJ-{id}"),
        ratio: f64::from(id) / 8.0,
        done: id.is_multiple_of(3),
        assignee: id.is_multiple_of(2).then(|| format!("user{}", id % 7)),
    }
}
