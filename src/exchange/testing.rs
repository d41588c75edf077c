//! What tests of exchanges share.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Method, Version};

use super::Wake;
use super::head::{RequestHead, Target};

/// The head of a request for `/p`.
pub(crate) fn head() -> RequestHead {
    RequestHead {
        method: Method::GET,
        target: Target::new("/p", ""),
        version: Version::HTTP_11,
        headers: HeaderMap::new(),
        client: None,
        server: ("localhost", 1),
        request_id: "0".into(),
    }
}

/// The loop of a plugin whose exchange is number 7.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(&self, id: u64) {
        assert_eq!(id, 7);
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    /// How often it was woken.
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// How often it was woken since the last look.
    pub(crate) fn news(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}
