//! Which command of a plugin a request is for, and the values for its handler.
//!
//! Independent of the HTTP server and of Python: [`table`] matches as Starlette does, [`bind`] binds as FastAPI does,
//! both conservatively. Where a request is not certain to go to a planned route, or its values are not certain to
//! satisfy the plan, the answer is "ask FastAPI", which costs a millisecond and is always right.

pub mod bind;
mod composed;
pub mod request;
pub mod table;

pub use bind::Argument;
pub use table::Table;
