//! Newtypes for the names that cross the wire.
//!
//! Used by everything; what a named thing means is said where it is made.

use core::fmt;

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;
            /// All zero bytes: what the first link of a chain refers to.
            pub const ZERO: Self = Self([0; $len]);

            /// The first eight bytes, which travel in the clear so that a mismatch can be named.
            pub fn tag(&self) -> [u8; 8] {
                let mut tag = [0; 8];
                tag.copy_from_slice(&self.0[..8]);
                tag
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:02x}{:02x}{:02x}{:02x}…)"),
                    self.0[0], self.0[1], self.0[2], self.0[3])
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = core::array::TryFromSliceError;
            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                Ok(Self(bytes.try_into()?))
            }
        }
    };
}

bytes_id!(
    /// Name of a Space: the hash of its genesis Entry, so nobody can substitute another genesis.
    SpaceId, 32
);
bytes_id!(
    /// Hash of an Entry with everything its author knew, without the signature (protocol 4.2, `e_s`).
    EntryHash, 32
);
bytes_id!(
    /// Running hash over all Entries of a Space up to one position (protocol 4.2, `C_s`).
    ChainHash, 32
);
bytes_id!(
    /// Ed25519 public key of a Member in one Space.
    MemberKey, 32
);
bytes_id!(
    /// X25519 public key of a Member in one Space, to which epoch secrets are sealed.
    KemKey, 32
);
bytes_id!(
    /// Random per user and Space; groups the devices of one user without naming the user.
    UserTag, 16
);
bytes_id!(
    /// Ed25519 public key with which a Relay signs heads and logins.
    RelayKey, 32
);
bytes_id!(
    /// Ed25519 public key of one installation towards one Relay; says nothing about Spaces.
    ConnectionKey, 32
);

/// Number of a Member in its Space: the control number of the Entry that added it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MemberNo(pub u64);

impl fmt::Display for MemberNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
