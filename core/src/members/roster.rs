//! The names of Members, from the sealed parts of control Entries.
//!
//! A sealed part that does not parse leaves its Member without a name; membership itself is folded
//! from public parts alone.

use crate::keys::NAME_BYTES_MAX;
use crate::model::{BodyError, Decoder, Encoder};
use crate::resolver::{Enable, decode_list, encode_list};
use crate::sorted::SortedMap;
use veilfold_wire::MemberNo;

/// Format of the sealed part.
const FORMAT: u64 = 1;
const MEMBERS_MAX: usize = veilfold_wire::membership::MEMBERS_MAX;

/// Names by member number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster(SortedMap<MemberNo, String>);

impl Roster {
    /// The sealed part of a control Entry that adds somebody of this name.
    pub fn sealed_part(name: &str) -> Vec<u8> {
        Self::founding_part(name, &[])
    }

    /// The sealed part of a genesis Entry: the creator's name and what the Space accepts from the start.
    pub fn founding_part(name: &str, enables: &[Enable]) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(if enables.is_empty() { 2 } else { 3 });
        out.uint(FORMAT);
        out.str(name);
        if !enables.is_empty() {
            encode_list(enables, &mut out);
        }
        out.finish()
    }

    /// Notes the sealed part of the Entry that added `member`; gives what it enables, which means
    /// something in a genesis Entry alone.
    ///
    /// # Errors
    /// A [`BodyError`]; nothing is noted then.
    pub fn note(&mut self, member: MemberNo, sealed_part: &[u8]) -> Result<Vec<Enable>, BodyError> {
        let mut input = Decoder::new(sealed_part);
        let fields = input.array(3, "member")?;
        if fields < 2 {
            return Err(BodyError::TooShort { field: "member" });
        }
        if input.uint("member.format")? != FORMAT {
            return Err(BodyError::Unknown { field: "member.format" });
        }
        let name = input.str(NAME_BYTES_MAX, "member.name")?.to_owned();
        let enables = if fields == 3 { decode_list(&mut input)? } else { Vec::new() };
        input.end()?;
        self.0.insert(member, name);
        Ok(enables)
    }

    /// The name of a Member, if its Entry said one.
    pub fn name(&self, member: MemberNo) -> Option<&str> {
        self.0.get(&member).map(String::as_str)
    }

    /// Bytes for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.0.len() * 2);
        for (member, name) in self.0.iter() {
            out.uint(member.0);
            out.str(name);
        }
        out.finish()
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let len = input.array(MEMBERS_MAX * 2, "roster")?;
        let mut names = SortedMap::new();
        for _ in 0..len / 2 {
            let member = MemberNo(input.uint("roster.member")?);
            names.insert(member, input.str(NAME_BYTES_MAX, "roster.name")?.to_owned());
        }
        input.end()?;
        Ok(Self(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_noted_and_read_back() {
        let mut roster = Roster::default();
        roster.note(MemberNo(2), &Roster::sealed_part("Bob")).unwrap();
        assert!(roster.note(MemberNo(3), b"junk").is_err());
        assert_eq!(roster.name(MemberNo(2)), Some("Bob"));
        assert_eq!(Roster::from_bytes(&roster.to_bytes()), Ok(roster));
    }
}
