//! Vectors of derivation, cards, boxes and sealing.

use super::super::{Author, Founding, LogHead, SealContext, Sealed, found_space, seal_control, seal_data};
use super::{Case, Fixed, Vector, variant};
use crate::keys::{
    BoxContext, ContactCard, DeviceSeed, EpochSecret, HedgeKey, Keyring, MemberSecret, Secret, hex, kdf,
};
use serde_json::{Value, json};
use veilfold_wire::membership::{AddMember, EpochBox};
use veilfold_wire::{
    AuthorHead, ChainHash, ControlOp, ControlPublic, EntryHash, MemberKey, MemberNo, RelayKey, Role, SpaceId,
    UserTag,
};
use zeroize::Zeroizing;

pub(super) fn vectors() -> Vec<Vector> {
    vec![
        Vector {
            name: "kdf",
            about: "HKDF-SHA-256, salt `veilfold/v1`, info u8(len(label)) ‖ label ‖ ctx, 32 bytes.",
            cases: kdf_cases,
            outputs: |case| {
                let (ikm, ctx) = (case.array("ikm"), case.bytes("ctx"));
                json!({ "out": hex::encode(kdf(&ikm, case.text("label"), &[&ctx]).as_slice()) })
            },
        },
        Vector {
            name: "member-keys",
            about: "Public keys of a device as a Member, and towards a Relay.",
            cases: member_cases,
            outputs: member,
        },
        Vector {
            name: "contact-card",
            about: "Contact cards as text, and texts that are none.",
            cases: card_cases,
            outputs: card,
        },
        Vector {
            name: "epoch-box",
            about: "An epoch secret sealed to a Member with HPKE; `random` is what the sender drew.",
            cases: box_cases,
            outputs: epoch_box,
        },
        Vector {
            name: "entry-seal",
            about: "Sealing of one Entry, from plaintext to signature; `random` is what was drawn.",
            cases: seal_cases,
            outputs: seal,
        },
        Vector {
            name: "genesis-space-id",
            about: "The first Entry of a Space and the id that is its hash.",
            cases: genesis_cases,
            outputs: genesis,
        },
    ]
}

fn repeated(byte: u8) -> String {
    hex::encode([byte; 32])
}

fn secret(case: &Case, field: &str) -> Secret {
    Zeroizing::new(case.array(field))
}

fn member_of(case: &Case) -> MemberSecret {
    DeviceSeed::from_bytes(secret(case, "device_seed")).member(&case.array("key_context"), 0)
}

fn kdf_cases() -> Vec<Value> {
    let space_and_epoch = |space: u8, epoch: u64| repeated(space) + &hex::encode(epoch.to_be_bytes());
    let member = repeated(5) + "00000000";
    let cases = [
        ("key that wraps secrets for the store", "local-wrap", String::new()),
        ("key that hedges nonces", "nonce-hedge", String::new()),
        ("signing seed of a Member: key context and generation", "member-sign", member.clone()),
        ("KEM secret of a Member", "member-kem", member),
        ("connection key: the Relay's authority", "connection", hex::encode("relay.example:443")),
        ("commitment to epoch 0: the Space is zero", "epoch-commit", space_and_epoch(0, 0)),
        ("commitment to a later epoch", "epoch-commit", space_and_epoch(7, 3)),
        ("key of data Entries", "entry-aead", space_and_epoch(7, 0)),
        ("key of sealed parts of control Entries", "control-aead", space_and_epoch(7, 0)),
        ("an empty label", "", String::new()),
    ];
    cases
        .map(|(why, label, ctx)| json!({ "why": why, "ikm": repeated(0x2a), "label": label, "ctx": ctx }))
        .into()
}

fn member_cases() -> Vec<Value> {
    let seed = repeated(1);
    vec![
        json!({ "why": "a Member", "device_seed": seed, "key_context": repeated(2), "generation": 0 }),
        json!({ "why": "another Space", "device_seed": seed, "key_context": repeated(3), "generation": 0 }),
        json!({ "why": "a replaced key", "device_seed": seed, "key_context": repeated(2), "generation": 1 }),
        json!({ "why": "towards a Relay", "device_seed": seed, "authority": "relay.example:443" }),
    ]
}

fn member(case: &Case) -> Value {
    let seed = DeviceSeed::from_bytes(secret(case, "device_seed"));
    if case.has("authority") {
        return json!({ "connection": seed.connection(case.text("authority")).public().to_string() });
    }
    let member = seed.member(&case.array("key_context"), case.number("generation") as u32);
    json!({ "sign": member.sign_key().to_string(), "kem": member.kem_key().to_string() })
}

fn card_cases() -> Vec<Value> {
    let made =
        |why, name| json!({ "why": why, "device_seed": repeated(1), "nonce": repeated(2), "name": name });
    let mut cases = vec![made("a name", "Ada"), made("no name", ""), made("a name beyond ASCII", "Zoë 🌿")];
    let text = card(&Case::new(cases[0].clone()))["text"].as_str().unwrap().to_owned();
    let damaged = text.replace("ZGFw", "ZGVw");
    assert_ne!(damaged, text);
    cases.extend(
        [
            ("another text", "mailto:ada@example.org".to_owned()),
            ("a newer format", text.replace(":1.", ":2.")),
            ("a character outside of base64url", text.replace("ZGFw", "ZG+w")),
            ("cut off", text[..text.len() - 8].to_owned()),
            ("one letter of the name changed", damaged),
        ]
        .map(|(why, text)| json!({ "why": why, "refused": text })),
    );
    cases
}

fn card(case: &Case) -> Value {
    if case.has("refused") {
        return json!({ "error": variant(case.text("refused").parse::<ContactCard>().unwrap_err()) });
    }
    let seed = DeviceSeed::from_bytes(secret(case, "device_seed"));
    let card = ContactCard::generate(&seed, case.text("name"), &mut Fixed(case.bytes("nonce"))).unwrap();
    assert_eq!(card.to_string().parse(), Ok(card.clone()));
    json!({
        "text": card.to_string(),
        "sign": card.sign_key().to_string(),
        "kem": card.kem_key().to_string(),
    })
}

fn box_cases() -> Vec<Value> {
    let epoch_secret = Zeroizing::new([0x0e; 32]);
    let commit = |space: [u8; 32], epoch| {
        hex::encode(EpochSecret::from_bytes(epoch_secret.clone()).commitment(&SpaceId(space), epoch))
    };
    let case = |why: &str, space: u8, epoch: u64, commit: String| {
        json!({
            "why": why, "device_seed": repeated(1), "key_context": repeated(2), "author": repeated(3),
            "space": repeated(space), "epoch": epoch, "epoch_secret": repeated(0x0e), "epoch_commit": commit,
            "random": repeated(4),
        })
    };
    vec![
        case("inside a genesis Entry the Space is zero", 0, 0, commit([0; 32], 0)),
        case(
            "epoch 0 for a later Member: the Space's id, but the commitment of genesis",
            7,
            0,
            commit([0; 32], 0),
        ),
        case("a later epoch", 7, 3, commit([7; 32], 3)),
        case("a secret that is not the committed one is refused", 7, 3, repeated(9)),
    ]
}

fn epoch_box(case: &Case) -> Value {
    let member = member_of(case);
    let (space, author) = (SpaceId(case.array("space")), MemberKey(case.array("author")));
    let (epoch, epoch_commit) = (case.number("epoch"), case.array("epoch_commit"));
    let secret = EpochSecret::from_bytes(secret(case, "epoch_secret"));
    let context = BoxContext { space: &space, epoch, epoch_commit: &epoch_commit, author: &author };
    let mut random = Fixed(case.bytes("random"));
    let sealed = secret.seal_box(&context, &member.sign_key(), &member.kem_key(), &mut random).unwrap();
    let opened = EpochSecret::open_box(&member, &context, &sealed);
    json!({
        "recipient_sign": member.sign_key().to_string(),
        "recipient_kem": member.kem_key().to_string(),
        "enc": hex::encode(sealed.enc),
        "ciphertext": hex::encode(sealed.ciphertext),
        "opened": opened.map_or_else(variant, |_| "ok".to_owned()),
    })
}

fn seal_cases() -> Vec<Value> {
    let op = ControlOp::AddMember(AddMember {
        member_no: MemberNo(4),
        keys: DeviceSeed::from_bytes(Zeroizing::new([8; 32])).member(&[9; 32], 0).keys(UserTag([7; 16])),
        role: Role::Writer,
        epoch_box: EpochBox { enc: [1; 32], ciphertext: [2; 48] },
    });
    let public = ControlPublic { control_seq: 4, prev_control_hash: EntryHash([3; 32]), op }.encode();
    let case = |why: &str, numbers: [u64; 5], body: String, public: &[u8]| {
        let [member_no, author_seq, seen_seq, epoch, floor] = numbers;
        json!({
            "why": why, "device_seed": repeated(1), "key_context": repeated(2), "hedge_key": repeated(0x0d),
            "epoch_secret": repeated(0x0e), "space": repeated(7), "member_no": member_no,
            "author_seq": author_seq, "prev_author_hash": repeated(0x0a), "seen_seq": seen_seq,
            "seen_chain": repeated(0x0b), "epoch": epoch, "padding_floor": floor, "body": body,
            "public": hex::encode(public), "random": repeated(0x0c),
        })
    };
    vec![
        case("a small body", [1, 2, 5, 0, 128], hex::encode("body"), &[]),
        case("an empty body", [1, 2, 5, 0, 128], String::new(), &[]),
        case("above the floor, numbers of two bytes", [200, 300, 1000, 3, 128], "5a".repeat(200), &[]),
        case("a larger floor", [1, 2, 5, 0, 512], hex::encode("body"), &[]),
        case("a control Entry", [1, 2, 5, 0, 128], hex::encode("sealed part"), &public),
    ]
}

fn seal(case: &Case) -> Value {
    let (space, epoch) = (SpaceId(case.array("space")), case.number("epoch"));
    let mut keyring = Keyring::new(space, member_of(case), HedgeKey::new(secret(case, "hedge_key")));
    keyring.insert(epoch, EpochSecret::from_bytes(secret(case, "epoch_secret")));
    let head = AuthorHead {
        author_seq: case.number("author_seq") - 1,
        hash: EntryHash(case.array("prev_author_hash")),
    };
    let context = SealContext {
        author: Author { member_no: MemberNo(case.number("member_no")), head },
        seen: LogHead { seq: case.number("seen_seq"), chain: ChainHash(case.array("seen_chain")) },
        epoch,
        padding_floor: case.number("padding_floor"),
    };
    let (public, body, mut random) = (case.bytes("public"), case.bytes("body"), Fixed(case.bytes("random")));
    let Sealed { entry, hash } = if public.is_empty() {
        seal_data(&keyring, &context, &body, &mut random).unwrap()
    } else {
        let public = ControlPublic::decode(&public).unwrap();
        seal_control(&keyring, &context, &public, &body, &mut random).unwrap()
    };
    json!({
        "sign": keyring.member().sign_key().to_string(),
        "nonce": hex::encode(entry.header().nonce),
        "hash": hash.to_string(),
        "entry": hex::encode(entry.bytes()),
    })
}

fn genesis_cases() -> Vec<Value> {
    let random: Vec<u8> = (0..128).collect();
    let case = |why: &str, floor: u64, relay: Option<[u8; 32]>, body: &str| {
        json!({
            "why": why, "device_seed": repeated(1), "hedge_key": repeated(0x0d), "user_tag": "06".repeat(16),
            "padding_floor": floor, "relay": relay.map(hex::encode), "body": hex::encode(body),
            "random": hex::encode(&random),
        })
    };
    vec![
        case("a Space on any Relay; drawn: key context, epoch secret, HPKE, nonce", 128, None, "Ada"),
        case("bound to a Relay, larger floor, empty sealed part", 512, Some([5; 32]), ""),
    ]
}

fn genesis(case: &Case) -> Value {
    let seed = DeviceSeed::from_bytes(secret(case, "device_seed"));
    let body = case.bytes("body");
    let founding = Founding {
        user_tag: UserTag(case.array("user_tag")),
        padding_floor: case.number("padding_floor"),
        relay: case.0["relay"].as_str().map(|relay| RelayKey(hex::array(relay))),
        body: &body,
    };
    let hedge = HedgeKey::new(secret(case, "hedge_key"));
    let founded = found_space(&seed, hedge, &founding, &mut Fixed(case.bytes("random"))).unwrap();
    assert_eq!(founded.key_context, case.bytes("random")[..32]);
    json!({
        "entry": hex::encode(founded.entry.bytes()),
        "space": founded.space.to_string(),
        "epoch_commit": hex::encode(founded.membership.epoch_commit()),
    })
}
