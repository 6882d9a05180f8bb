//! What a client makes of a Relay that lies.
