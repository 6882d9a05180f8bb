//! Text edits that are issued again: the texts they were made on, and where they go.

use super::*;
use crate::documents::{Pending, PendingSet};
use crate::model::{Action, Condition, DocumentRead, ElementId, Image, Position, Stamp, TxId, TxNos};
use crate::resolver::{Enabled, Resolvers};
use crate::store::rows::SpaceNo;
use crate::store::{Durability, MemoryStore};

const ME: MemberNo = MemberNo(2);
const OTHER: MemberNo = MemberNo(3);

fn chars(text: &str) -> Vec<Option<char>> {
    text.chars().map(Some).collect()
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(Text::new(text, Stamp { author: OTHER, seq: 1 }))
}

fn splice(offset: u64, delete: u64, insert: &str) -> TextSplice {
    TextSplice { offset, delete, insert: insert.to_owned() }
}

fn edit(splices: Vec<TextSplice>) -> Op {
    Op::TextEdit { path: path("t"), splices }
}

/// What an edit becomes that was made on `seen` when the text is `now`.
fn moved(seen: &[Option<char>], now: &str, splices: Vec<TextSplice>) -> Vec<TextSplice> {
    let mut op = edit(splices);
    move_splices(&mut op, Some(seen), Some(&Fields::from([("t".to_owned(), text(now))])));
    assert!(op.is_well_formed());
    match op {
        Op::TextEdit { splices, .. } => splices,
        other => panic!("{other:?}"),
    }
}

/// What a reader of `now` sees after it.
fn after(seen: &str, now: &str, splices: Vec<TextSplice>) -> String {
    moved(&chars(seen), now, splices).iter().fold(now.to_owned(), |text, splice| {
        let left: String = text.chars().take(splice.offset as usize).collect();
        let right = text.chars().skip((splice.offset + splice.delete) as usize);
        left + &splice.insert + &right.collect::<String>()
    })
}

#[test]
fn kept_characters_are_found_again() {
    let kept = kept_characters(&chars("hello abc world"), &chars("hello world!"));
    assert_eq!(kept.iter().filter(|at| at.is_none()).count(), 4);
    assert_eq!((kept[0], kept[4], kept[14]), (Some(0), Some(4), Some(10)));
}

#[test]
fn an_edit_goes_where_what_it_was_made_on_still_is() {
    const SEEN: &str = "one lost two";
    const NOW: &str = "one  two!";
    for (splices, expected) in [
        (vec![splice(12, 0, "X")], "one  twoX!"),
        (vec![splice(0, 0, "X")], "Xone  two!"),
        (vec![splice(6, 0, "X")], "one X two!"),
        (vec![splice(1, 1, "N")], "oNe  two!"),
        (vec![splice(6, 4, "X")], "one Xwo!"),
        (vec![splice(2, 9, "X")], "onXo!"),
        (vec![splice(5, 2, "")], NOW),
        (vec![splice(0, 12, "")], "!"),
        // A later one counts what those before it did.
        (vec![splice(12, 0, "abc"), splice(13, 1, "")], "one  twoac!"),
        (vec![splice(0, 4, ""), splice(5, 1, "T")], " Two!"),
        (vec![splice(9, 1, ""), splice(9, 1, "")], "one  o!"),
    ] {
        assert_eq!(after(SEEN, NOW, splices.clone()), expected, "{splices:?}");
    }
    assert_eq!(after("gone", "", vec![splice(4, 0, "X")]), "X");
    assert_eq!(after("", "here", vec![splice(0, 0, "X")]), "Xhere");
}

#[test]
fn an_edit_of_what_is_gone_stays_an_edit() {
    assert_eq!(moved(&chars("ab lost"), "ab!", vec![splice(3, 4, "")]), [splice(2, 0, "")]);
    // A character that was deleted by then is none that anybody finds again.
    let seen = [Some('a'), None, Some('b')];
    assert_eq!(moved(&seen, "ab", vec![splice(1, 1, "X")]), [splice(1, 0, "X")]);
}

#[test]
fn what_is_deleted_in_one_piece_stays_one_piece() {
    let long = "x".repeat(3 * SPLICES_MAX);
    let deleted = moved(&chars(&(long.clone() + "lost")), &long, vec![splice(1, long.len() as u64 + 2, "")]);
    assert_eq!(deleted, [splice(1, long.len() as u64 - 1, "")]);
    assert_eq!(moved(&chars("abcd"), "abXcd", vec![splice(0, 4, "")]), [splice(3, 2, ""), splice(0, 2, "")]);
}

#[test]
fn an_edit_broken_into_more_pieces_than_an_action_may_have_is_moved_as_one() {
    // Somebody has put a character after each of those that are deleted.
    let broken = |pieces: usize| {
        let seen = format!("<{}>", "a".repeat(pieces));
        let now = format!("<{}>", "ab".repeat(pieces));
        let delete = vec![splice(1, pieces as u64, "")];
        assert_eq!(after(&seen, &now, delete.clone()), format!("<{}>", "b".repeat(pieces)));
        moved(&chars(&seen), &now, delete)
    };
    assert_eq!(broken(SPLICES_MAX).len(), SPLICES_MAX);
    let whole = broken(SPLICES_MAX + 1);
    assert_eq!(whole.len(), 1, "{}", whole.len());
    assert_eq!(as_one(&chars("abcabc"), &chars("abXabc")), splice(2, 1, "X"));
    assert_eq!(as_one(&chars("aaa"), &chars("aa")), splice(2, 1, ""));
    assert_eq!(as_one(&chars("aa"), &chars("aaa")), splice(2, 0, "a"));
}

#[test]
fn only_text_edits_with_a_known_text_move() {
    let fields = Fields::from([("t".to_owned(), text("new"))]);
    for (op, seen) in [(Op::Delete, Some(chars("old"))), (edit(vec![splice(0, 3, "X")]), None)] {
        let mut same = op.clone();
        move_splices(&mut same, seen.as_deref(), Some(&fields));
        assert_eq!(same, op);
    }
}

#[test]
fn a_text_is_found_in_maps_and_lists() {
    let id = ElementId([1; 12]);
    let map = |inner: Value| Value::Map([("t".to_owned(), inner)].into());
    let fields = Fields::from([
        ("t".to_owned(), text("top")),
        ("m".to_owned(), map(text("inner"))),
        ("l".to_owned(), Value::List(vec![(ElementId([0; 12]), Value::Null), (id, map(text("listed")))])),
        ("n".to_owned(), Value::Int(1)),
    ]);
    let at = |path: &str| text_at(Some(&fields), &Path::parse(path).unwrap()).map(ToString::to_string);
    assert_eq!(at("t").as_deref(), Some("top"));
    assert_eq!(at("m.t").as_deref(), Some("inner"));
    assert_eq!(at(&format!("l.#{id}.t")).as_deref(), Some("listed"));
    for nothing in ["n", "n.t", "x", "m", "m.t.t", "l.t"] {
        assert_eq!(at(nothing), None, "{nothing}");
    }
    assert_eq!(at(&format!("l.#{}.t", ElementId([2; 12]))), None);
    assert!(text_at(None, &path("t")).is_none());
}

fn transaction(tx_no: u64, document: &str, ops: Vec<Op>) -> Transaction {
    let key = DocumentKey::new("notes", document);
    let actions = ops.into_iter().map(|op| Action { key: key.clone(), op });
    let (tx_id, reads, depends) = (TxId([tx_no as u8; 8]), Vec::new(), TxNos::default());
    Transaction { tx_no, tx_id, base_seq: 1, time_ms: 0, reads, depends, actions: actions.collect() }
}

#[test]
fn the_text_that_an_edit_was_made_on_is_rebuilt() {
    let (key, space) = (DocumentKey::new("notes", "a"), SpaceNo(1));
    let (mut store, mut now) = (MemoryStore::new(), Documents::new(space));
    let image = |shown: &str| Image {
        fields: Some([("t".to_owned(), text(shown))].into()),
        version: Position { seq: 1, index: 0 },
        ..Image::ABSENT
    };
    now.replace(&store, &key, image("hello")).unwrap();
    // What was visible before the batch was another thing, with what is not pending any more in it.
    now.set_overlay(&store, &key, Some(image("stale"))).unwrap();
    store.begin().unwrap();
    now.flush(&mut store).unwrap();
    store.commit(Durability::Process).unwrap();

    let condition = Op::Expect { path: path("t"), condition: Condition::Missing };
    let mut lost = transaction(4, "a", vec![edit(vec![splice(0, 0, "X ")]), edit(vec![splice(0, 1, "Y")])]);
    // It stood on what nobody knows of: it was shown all the same.
    lost.depends.push(3);
    lost.reads.push(DocumentRead {
        key: key.clone(),
        version: Position::START,
        own: TxNos::default(),
        absent: TxNos::default(),
    });
    let again = transaction(
        6,
        "a",
        vec![Op::Set { path: path("n"), value: Value::Null }, condition, edit(vec![splice(1, 0, "Z")])],
    );
    let later = transaction(7, "a", vec![edit(vec![splice(7, 0, "!")]), edit(vec![splice(0, 8, "")])]);
    let elsewhere = transaction(5, "b", vec![edit(vec![splice(0, 0, "b")])]);
    let before = [lost, elsewhere, again, later];
    let (resolvers, enabled) = (Resolvers::default(), Enabled::default());
    let mut governed = Governed::new(&resolvers, &enabled);
    let renumbered = SortedMap::from([(6, 9), (7, 10)]);
    let seen =
        SeenTexts::rebuild(Documents::new(space), &store, ME, &before, &renumbered, &mut governed).unwrap();
    assert_eq!(seen.numbers().collect::<Vec<_>>(), [9, 10]);
    assert!(seen.moves(9) && seen.moves(10) && !seen.moves(6) && !seen.moves(4));
    assert_eq!(seen.text(9, 2), Some(&*chars("Y hello")));
    assert_eq!(seen.text(10, 0), Some(&*chars("YZ hello")));
    assert_eq!(seen.text(10, 1), Some(&*chars("YZ hell!o")));
    assert_eq!((seen.text(9, 0), seen.text(9, 1), seen.text(4, 0)), (None, None, None));
}

#[test]
fn what_was_moved_can_be_read_back_by_everybody() {
    let long = "x".repeat(2 * SPLICES_MAX);
    let op = edit(moved(&chars(&long), &long, vec![splice(0, long.len() as u64, "")]));
    let mut outbox = PendingSet::default();
    outbox.insert(1, Pending::new(transaction(1, "a", vec![op])));
    let mut store = MemoryStore::new();
    store.begin().unwrap();
    outbox.save(&mut store, SpaceNo(1), 1).unwrap();
    assert_eq!(PendingSet::load(&store, SpaceNo(1)).map(|outbox| outbox.len()), Ok(1));
}
