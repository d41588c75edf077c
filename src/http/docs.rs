//! OpenAPI documents, and Swagger UI from the binary: nothing is ever fetched from elsewhere.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_swagger_ui::{Config, Url};

use super::{Service, failed};
use crate::failure::{Failure, Kind};
use crate::openapi;
use crate::registry::Snapshot;

/// The script that names the documents.
const CONFIGURED: &str = "swagger-initializer.js";
/// Where the page's files lie.
const ROOT: &str = "/docs/";
/// Scripts and requests only from and to the daemon itself; the page writes styles into its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document of the whole daemon, made once for each snapshot; keeps none alive, and no plugin with it.
#[derive(Default)]
pub(super) struct Document(Mutex<Option<(Weak<Snapshot>, Bytes)>>);

impl Document {
    fn of(&self, snapshot: &Arc<Snapshot>) -> Bytes {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, bytes)) = made.as_ref()
            && Weak::as_ptr(of) == Arc::as_ptr(snapshot)
        {
            return bytes.clone();
        }
        let bytes = Bytes::from(openapi::document(snapshot).to_string());
        *made = Some((Arc::downgrade(snapshot), bytes.clone()));
        bytes
    }
}

/// `GET /openapi.json`: waits until no plugin is loading.
pub(super) async fn whole(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    match service.registry.settled().await {
        Ok(snapshot) => tagged(&headers, "application/json", service.document.of(&snapshot)),
        Err(failure) => failed(&failure),
    }
}

/// `GET /{plugin}/openapi.json`: as FastAPI generates it.
pub(super) async fn of_plugin(
    State(service): State<Arc<Service>>,
    Path(plugin): Path<String>,
    headers: HeaderMap,
) -> Response {
    match service.registry.metadata(&plugin).await {
        Ok((_, Some(failure))) => failed(&failure),
        Ok((metadata, None)) => match &metadata.openapi {
            Some(text) => tagged(&headers, "application/json", Bytes::from(text.to_string())),
            None => failed(
                &Failure::new(
                    Kind::NotFound,
                    format!("{plugin} has no OpenAPI document: FastAPI could not make one"),
                )
                .hint("Run `skills-daemon logs` to see why."),
            ),
        },
        Err(failure) => failed(&failure),
    }
}

/// `GET /docs`.
pub(super) async fn page(state: State<Arc<Service>>, headers: HeaderMap) -> Response {
    file(state, Path("index.html".to_owned()), headers).await
}

/// `GET /docs/{file}`.
pub(super) async fn file(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let choices = match name == CONFIGURED {
        true => match service.registry.settled().await {
            Ok(snapshot) => choices(&snapshot),
            Err(failure) => return failed(&failure),
        },
        false => Vec::new(),
    };
    match utoipa_swagger_ui::serve(&name, Arc::new(config(&choices))) {
        Ok(Some(file)) => {
            let bytes = match (name.as_str(), file.bytes) {
                ("index.html", bytes) => {
                    // The page's own links are relative to where it lies, which is not where it is served.
                    let page = String::from_utf8_lossy(&bytes);
                    Bytes::from(
                        page.replace("=\"./", &format!("=\"{ROOT}"))
                            .replace("=\"index.css", &format!("=\"{ROOT}index.css")),
                    )
                }
                (_, Cow::Borrowed(bytes)) => Bytes::copy_from_slice(bytes),
                (_, Cow::Owned(bytes)) => Bytes::from(bytes),
            };
            let mut response = tagged(&headers, &file.content_type, bytes);
            let own = response.headers_mut();
            own.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            own.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
        Ok(None) => failed(&Failure::new(Kind::NotFound, format!("{ROOT}{name} is not there"))),
        Err(error) => {
            failed(&Failure::new(Kind::Bug, format!("Swagger UI could not be configured: {error}")))
        }
    }
}

/// Title and path of each plugin's document.
fn choices(snapshot: &Snapshot) -> Vec<(String, String)> {
    let path = |name: &String| format!("/{name}/openapi.json");
    snapshot.names().into_iter().map(|name| (name.clone(), path(&name))).collect()
}

/// All documents to choose from, that of the whole daemon first.
fn config(choices: &[(String, String)]) -> Config<'_> {
    let mut urls = vec![Url::with_primary("All plugins", "/openapi.json", true)];
    urls.extend(choices.iter().map(|(title, path)| Url::new(title, path)));
    Config::new(urls).try_it_out_enabled(true)
}

/// An answer that a browser may keep, but has to ask about.
pub(super) fn tagged(asked: &HeaderMap, content_type: &str, bytes: Bytes) -> Response {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(bytes))
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (status, headers, body).into_response()
}
