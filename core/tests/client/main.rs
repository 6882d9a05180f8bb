//! The client as an app uses it: real stores, real threads, a real Relay on a loopback socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
mod lifecycle;
mod sharing;
mod writing;
