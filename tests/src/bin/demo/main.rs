//! The demo: two people edit one encrypted Space, offline and live, through a real Relay.

fn main() {}
