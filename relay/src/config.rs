//! What a Relay is started with.
//!
//! Read by `relay.rs`; the command line makes one of these, an app that carries a Relay another.

use crate::protections::Protections;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use veilfold_wire::Limits;

/// Where a Relay keeps what it orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In this folder, which is made when it is missing; every acknowledged Entry survives a power cut.
    Folder(PathBuf),
    /// In memory, gone with the Relay, as is its key.
    Memory,
}

/// Options of a Relay.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where Entries are kept.
    pub data: Data,
    /// The hosts, with ports if not the usual ones, under which devices reach this Relay. A device
    /// that was led here under another name is turned away, so that nobody in between can pass its
    /// login on. Empty takes any name.
    pub authorities: Vec<String>,
    /// What is announced to devices and held to.
    pub limits: Limits,
    /// Most connections at a time; more are turned away.
    pub connections_max: usize,
    /// Most connections at a time that have not logged in yet.
    pub unauthenticated_max: usize,
    /// Most Spaces kept loaded; others are loaded again when they are used.
    pub spaces_loaded_max: usize,
    /// How long a stopping Relay waits for its connections to take what they are owed.
    pub drain_ms: u64,
    /// Always [`Protections::ALL`] outside tests.
    pub protections: Protections,
}

impl Config {
    /// The defaults for a Relay that keeps `data`, on a free port of this machine.
    pub fn new(data: Data) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data,
            authorities: Vec::new(),
            limits: Limits::default(),
            connections_max: 10_000,
            unauthenticated_max: 1_024,
            spaces_loaded_max: 1_024,
            drain_ms: 3_000,
            protections: Protections::ALL,
        }
    }
}
