//! Loops that are blocked, and limits.
