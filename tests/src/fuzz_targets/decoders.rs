//! The decoders of bytes from outside: what parses must be written back the same.
//!
//! One function for each; called by the fuzz targets and by the replay of their corpora.

use super::Outcome;
use super::messages::founded;
use bytes::Bytes;
use core::fmt::Debug;
use core::str;
use veilfold_core::keys::{ContactCard, ContactCardError};
use veilfold_core::members::{Roster, SpaceTicket};
use veilfold_core::model::{
    Action, Body, DocumentKey, Encoder, Image, Op, Path, Text, Transaction, TxId, TxNos, Value,
    fields_from_json, fields_to_json, value_from_json, value_to_json,
};
use veilfold_core::resolver::{Enabled, SettingsPart};
use veilfold_core::wire::check::genesis_space;
use veilfold_core::wire::frame::{DeviceFrame, RelayFrame};
use veilfold_core::wire::{ControlPublic, EntryHash, MemberNo, Membership, SealedEntry};

pub(super) fn relay_frame(input: &[u8]) -> Outcome {
    let Ok(frame) = RelayFrame::decode(&Bytes::copy_from_slice(input)) else { return Outcome::Refused };
    assert_eq!(frame.encode(), input, "a frame has one encoding");
    Outcome::Parsed
}

pub(super) fn device_frame(input: &[u8]) -> Outcome {
    let Ok(frame) = DeviceFrame::decode(&Bytes::copy_from_slice(input)) else { return Outcome::Refused };
    assert_eq!(frame.encode(), input, "a frame has one encoding");
    Outcome::Parsed
}

pub(super) fn entry(input: &[u8]) -> Outcome {
    let Ok(entry) = SealedEntry::decode(input.to_vec()) else { return Outcome::Refused };
    let header = entry.header().encode(entry.public(), entry.sealed().len());
    assert_eq!(header, entry.header_bytes(), "a header has one encoding");
    let again = SealedEntry::assemble(&header, entry.sealed(), &entry.signature());
    assert_eq!(again.as_ref(), Ok(&entry), "an entry has one encoding");
    if let Ok((space, membership)) = genesis_space(&entry) {
        assert_eq!(space.0, membership.control_head().0, "a space is named after its genesis");
    }
    Outcome::Parsed
}

pub(super) fn control(input: &[u8]) -> Outcome {
    let mut membership = founded();
    let before = membership.clone();
    let applied = membership.apply(MemberNo(1), input, EntryHash([9; 32]));
    assert_eq!(applied.is_err(), membership == before, "a fault changes nothing");
    let Ok(control) = ControlPublic::decode(input) else {
        assert!(applied.is_err(), "what does not parse has no effect");
        return Outcome::Refused;
    };
    assert_eq!(control.encode(), input, "a public part has one encoding");
    let stored = Membership::from_bytes(&membership.to_bytes());
    assert_eq!(stored.as_ref(), Ok(&membership), "what was folded can be stored");
    Outcome::Parsed
}

pub(super) fn roster(input: &[u8]) -> Outcome {
    let mut roster = Roster::default();
    let enables = roster.note(MemberNo(1), input);
    if let (Some(name), Ok(enables)) = (roster.name(MemberNo(1)), &enables) {
        let again = Roster::default().note(MemberNo(1), &Roster::founding_part(name, enables));
        assert_eq!(again.as_ref(), Ok(enables), "what a Space begins with is sealed as it is read");
    }
    let sealed = enables.is_ok();
    if let Some(name) = roster.name(MemberNo(1)) {
        let mut again = Roster::default();
        assert_eq!(again.note(MemberNo(1), &Roster::sealed_part(name)), Ok(Vec::new()));
        assert_eq!(again, roster, "a name is sealed as it is read");
    }
    let stored = Roster::from_bytes(input);
    if let Ok(roster) = &stored {
        assert_eq!(Roster::from_bytes(&roster.to_bytes()).as_ref(), Ok(roster), "names are stored as read");
    }
    Outcome::parsed(sealed || stored.is_ok())
}

/// The sealed part of a `Settings` Entry, or what a Device has stored of all of them.
pub(super) fn settings(input: &[u8]) -> Outcome {
    let part = Enabled::read_part(input);
    if let Ok(enables) = &part {
        assert_eq!(Enabled::sealed_part(enables), input, "a part has one encoding");
        let mut enabled = Enabled::default();
        enabled.enable(enables);
        let newest =
            |name: &str| enables.iter().filter(|one| one.collection == name).map(|one| one.version).max();
        for one in enables {
            assert_eq!(
                Some(enabled.newest(&one.collection)),
                newest(&one.collection),
                "versions are only raised"
            );
        }
        assert_eq!(Enabled::from_bytes(&enabled.to_bytes()), Ok(enabled), "what is enabled can be stored");
    }
    let stored = read_back(Enabled::from_bytes(input), |enabled| Enabled::from_bytes(&enabled.to_bytes()));
    Outcome::parsed(matches!(part, Ok(_) | Err(SettingsPart::Newer)) || stored.is_some())
}

/// What reads, reads the same after it was written again.
pub(super) fn read_back<T: PartialEq + Debug, E: PartialEq + Debug>(
    read: Result<T, E>,
    again: impl Fn(&T) -> Result<T, E>,
) -> Option<()> {
    let found = read.ok()?;
    assert_eq!(again(&found).as_ref(), Ok(&found), "it is stored as read");
    Some(())
}

pub(super) fn membership(input: &[u8]) -> Outcome {
    let Ok(membership) = Membership::from_bytes(input) else { return Outcome::Refused };
    assert_eq!(membership.to_bytes(), input, "membership has one encoding");
    Outcome::Parsed
}

fn is_card(card: &Result<ContactCard, ContactCardError>) -> Outcome {
    Outcome::parsed(matches!(card, Ok(_) | Err(ContactCardError::BadSignature)))
}

pub(super) fn card(input: &[u8]) -> Outcome {
    let card = ContactCard::decode(input);
    if let Ok(card) = &card {
        assert_eq!(card.encode(), input, "a card has one encoding");
        assert_eq!(card.to_string().parse().as_ref(), Ok(card), "a card passes as text");
    }
    is_card(&card)
}

pub(super) fn card_text(input: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(input) else { return Outcome::Refused };
    let card = text.parse::<ContactCard>();
    if let Ok(card) = &card {
        assert_eq!(card.to_string(), text.trim(), "a card has one text");
    }
    is_card(&card)
}

pub(super) fn ticket(input: &[u8]) -> Outcome {
    let Some(text) = str::from_utf8(input).ok() else { return Outcome::Refused };
    let Ok(ticket) = text.parse::<SpaceTicket>() else { return Outcome::Refused };
    assert_eq!(ticket.to_string(), text.trim(), "a ticket has one text");
    Outcome::Parsed
}

pub(super) fn body(input: &[u8]) -> Outcome {
    let Ok(body) = Body::decode(input) else { return Outcome::Refused };
    assert_eq!(body.encode(), input, "a body has one encoding");
    for transaction in &body.transactions {
        assert!(transaction.actions.iter().all(|action| action.op.is_well_formed()));
    }
    Outcome::Parsed
}

pub(super) fn image(input: &[u8]) -> Outcome {
    let Ok(image) = Image::from_bytes(input) else { return Outcome::Refused };
    assert_eq!(Image::from_bytes(&image.to_bytes()).as_ref(), Ok(&image), "an image reads back");
    if let Some(fields) = &image.fields {
        fields_to_json(fields);
    }
    Outcome::Parsed
}

/// The input is the encoding of the text; the image around it is sound.
pub(super) fn text(input: &[u8]) -> Outcome {
    let Some(text) = in_an_image(input) else { return Outcome::Refused };
    let mut again = Encoder::new();
    text.encode(&mut again);
    assert_eq!(again.finish(), input, "a text has one encoding");
    let shown = text.to_string();
    assert_eq!(shown, text.pieces().collect::<String>());
    assert_eq!(shown.chars().count(), text.chars_count());
    Outcome::Parsed
}

fn in_an_image(text: &[u8]) -> Option<Text> {
    const EXT_TEXT: i8 = 3;
    let mut image = Vec::new();
    for number in [5, 0, 1, 3, 0, 0] {
        rmp::encode::write_uint(&mut image, number).ok()?;
    }
    rmp::encode::write_map_len(&mut image, 1).ok()?;
    rmp::encode::write_str(&mut image, "body").ok()?;
    rmp::encode::write_ext_meta(&mut image, text.len().try_into().ok()?, EXT_TEXT).ok()?;
    image.extend_from_slice(text);
    match Image::from_bytes(&image).ok()?.fields?.remove("body") {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

pub(super) fn json(input: &[u8]) -> Outcome {
    let Ok(value) = value_from_json(input) else {
        assert!(fields_from_json(input).is_err());
        return Outcome::Refused;
    };
    assert_eq!(value_from_json(&value_to_json(&value)).as_ref(), Ok(&value), "JSON reads back");
    // Whatever an app may say can be sealed, and others read it.
    let key = DocumentKey::new("c", "d");
    let op = Op::Set { path: Path::parse("v").unwrap_or_default(), value };
    let transaction = Transaction {
        tx_no: 1,
        tx_id: TxId([1; 8]),
        base_seq: 0,
        time_ms: 0,
        reads: Vec::new(),
        depends: TxNos::default(),
        actions: vec![Action { key, op }],
    };
    let body = Body { transactions: vec![transaction], root: None };
    assert_eq!(Body::decode(&body.encode()).as_ref(), Ok(&body), "a literal can be sealed");
    Outcome::Parsed
}
