//! The client as an app uses it: real stores, real threads, a real Relay on a loopback socket.

mod harness;
mod lifecycle;
mod sharing;
mod writing;
