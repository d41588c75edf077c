//! The daemon as a service.
