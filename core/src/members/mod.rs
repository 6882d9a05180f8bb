//! The sealed side of membership: names, tickets, and wishes to change the Space.
//!
//! Called by the engine, on top of `veilfold_wire`'s fold of the public side.

mod roster;
mod ticket;
mod wish;

pub use roster::Roster;
pub use ticket::{SpaceTicket, TicketError};
pub use wish::{Wish, Wished};
