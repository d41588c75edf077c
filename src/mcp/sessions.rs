//! Sessions over HTTP on disk, so that they outlive the process: what each client said of itself at the begin.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rmcp::transport::streamable_http_server::session::{
    SessionState, SessionStore, SessionStoreError,
};

use crate::durable;

/// How many sessions are kept at most; the oldest go first.
const MOST: usize = 512;
/// How long a session is kept.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A directory with a file for each session.
pub(super) struct Sessions {
    directory: PathBuf,
}

impl Sessions {
    pub(super) fn at(directory: PathBuf) -> Sessions {
        Sessions { directory }
    }

    /// The file of a session; `None` for what is no id of one.
    fn file(&self, id: &str) -> Option<PathBuf> {
        let is_id = (1..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_id.then(|| self.directory.join(format!("{id}.json")))
    }
}

/// Does blocking work on a thread of its own.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SessionStoreError> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

#[async_trait]
impl SessionStore for Sessions {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let Some(file) = self.file(id) else { return Ok(None) };
        let text = apart(move || match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        });
        // What cannot be read is no session: the client begins a new one.
        Ok(text.await?.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let Some(file) = self.file(id) else { return Ok(()) };
        let (directory, text) = (self.directory.clone(), serde_json::to_vec(state)?);
        apart(move || {
            fs::create_dir_all(&directory)?;
            prune(&directory)?;
            durable::write(&file, &text)
        })
        .await
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        let Some(file) = self.file(id) else { return Ok(()) };
        apart(move || match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

/// Removes sessions that are old or surplus, which leaves room for one more.
fn prune(directory: &PathBuf) -> io::Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(MOST);
    let now = SystemTime::now();
    let is_old = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age > KEPT);
    for (index, (at, file)) in files.into_iter().enumerate() {
        if index < surplus || is_old(at) {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_session_is_there_until_it_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let sessions = Sessions::at(directory.path().join("mcp"));
        let parameters = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"}});
        let state = SessionState::new(serde_json::from_value(parameters).unwrap());
        assert!(sessions.load("a-1").await.unwrap().is_none());
        sessions.store("a-1", &state).await.unwrap();
        let loaded = sessions.load("a-1").await.unwrap().unwrap();
        assert_eq!(loaded.initialize_params.client_info.name, "c");
        fs::write(directory.path().join("mcp/b.json"), "{").unwrap();
        assert!(sessions.load("b").await.unwrap().is_none());
        sessions.delete("a-1").await.unwrap();
        sessions.delete("a-1").await.unwrap();
        assert!(sessions.load("a-1").await.unwrap().is_none());
        for id in ["../a", "", "a/b"] {
            assert!(sessions.file(id).is_none(), "{id}");
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        for index in 0..MOST + 3 {
            fs::write(path.join(format!("{index}.json")), "{}").unwrap();
        }
        let old = fs::File::open(path.join("9.json")).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        prune(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), MOST - 1);
        assert!(!path.join("9.json").exists());
    }
}
