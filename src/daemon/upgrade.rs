//! Notices that the files of this process were replaced, and has the control program replace the process.
use crate::environment::Environment;
use crate::http::Service;
use crate::paths::Paths;
use crate::venv::Base;
pub(super) struct Watch;
impl Watch {
    pub(super) fn new(_: &Paths, _: &Environment, _: &Base) -> Watch {
        Watch
    }
    pub(super) async fn run(&self, _: &Service) {
        std::future::pending().await
    }
}
