//! The Relay: orders and stores sealed entries it cannot read.
