//! What becomes of edits that were made side by side, as examples and against the naive model.

use super::naive::{By, Naive};
use crate::model::*;
use crate::resolver::{Effect, FoldContext, resolve};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use veilfold_wire::MemberNo;

const ANNA: MemberNo = MemberNo(1);
const BEN: MemberNo = MemberNo(2);
const CLEO: MemberNo = MemberNo(3);

/// One document with one text, folded Entry by Entry.
#[derive(Clone)]
struct Fold {
    fields: Option<Fields>,
    seq: u64,
}

fn splice(offset: u64, delete: u64, insert: &str) -> TextSplice {
    TextSplice { offset, delete, insert: insert.into() }
}

fn path() -> Path {
    Path::parse("t").unwrap()
}

fn edit_op(splices: &[TextSplice]) -> Op {
    Op::TextEdit { path: path(), splices: splices.to_vec() }
}

impl Fold {
    /// Anna's text stands at seq 1.
    fn of(text: &str) -> Self {
        let mut fold = Self { fields: None, seq: 0 };
        fold.next(ANNA, 0, &Op::TextCreate { path: path(), text: text.into() }).unwrap();
        fold
    }

    fn at(&mut self, seq: u64, author: MemberNo, base_seq: u64, op: &Op) -> Result<Effect, RejectReason> {
        let position = Position { seq, index: 0 };
        let tx_id = TxId([0; 8]);
        let mut context = FoldContext { author, position, time_ms: 0, tx_id, base_seq, elements: 0 };
        let before = self.fields.clone();
        let result = resolve(&mut self.fields, op, &mut context);
        if !matches!(result, Ok(Effect { changed: true, .. })) {
            assert_eq!(self.fields, before);
        }
        result
    }

    fn next(&mut self, author: MemberNo, base_seq: u64, op: &Op) -> Result<Effect, RejectReason> {
        self.seq += 1;
        self.at(self.seq, author, base_seq, op)
    }

    /// The next Entry: one edit, made on what stood at `base_seq` and the author's own.
    fn edit(&mut self, author: MemberNo, base_seq: u64, splices: &[TextSplice]) -> Effect {
        self.next(author, base_seq, &edit_op(splices)).unwrap()
    }

    fn text(&self) -> &Text {
        match self.fields.as_ref().map(|fields| &fields["t"]) {
            Some(Value::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn shown(&self) -> String {
        self.text().to_string()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.text().encode(&mut out);
        out.finish()
    }
}

/// All orders in which the sequences can be mixed: each a list of sequence numbers.
fn interleavings(lengths: &mut [usize]) -> Vec<Vec<usize>> {
    if lengths.iter().all(|length| *length == 0) {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..lengths.len() {
        if lengths[index] > 0 {
            lengths[index] -= 1;
            all.extend(interleavings(lengths).into_iter().map(|mut rest| {
                rest.insert(0, index);
                rest
            }));
            lengths[index] += 1;
        }
    }
    all
}

/// Folds one key per Entry in one of the orders, everybody offline since seq 1.
fn type_mixed(base: &str, offset: u64, words: &[&str], order: &[usize]) -> String {
    let mut fold = Fold::of(base);
    let mut typed = vec![0; words.len()];
    for word in order {
        let key = words[*word].chars().nth(typed[*word]).unwrap();
        let author = MemberNo(*word as u64 + 1);
        fold.edit(author, 1, &[splice(offset + typed[*word] as u64, 0, &key.to_string())]);
        typed[*word] += 1;
    }
    fold.shown()
}

#[test]
fn two_words_typed_offline_at_one_place_end_up_whole() {
    for (base, offset) in [("", 0), ("ab", 1), ("ab", 2), ("a\nb", 1), ("a\nb", 2)] {
        let (left, right) = base.split_at(offset);
        for order in interleavings(&mut [3, 3]) {
            let shown = type_mixed(base, offset as u64, &["cat", "dog"], &order);
            let words = if order[0] == 0 { "catdog" } else { "dogcat" };
            assert_eq!(shown, format!("{left}{words}{right}"), "{order:?}");
        }
    }
}

#[test]
fn three_words_typed_offline_end_up_whole_in_the_order_of_their_first_keys() {
    for order in interleavings(&mut [3, 3, 2]) {
        let words = ["cat", "dog", "ox"];
        let mut expected = String::new();
        for word in &order {
            if !expected.contains(words[*word]) {
                expected.push_str(words[*word]);
            }
        }
        assert_eq!(type_mixed("<>", 1, &words, &order), format!("<{expected}>"), "{order:?}");
    }
}

#[test]
fn what_is_typed_deleted_and_typed_again_offline_stays_with_its_author() {
    let mut fold = Fold::of("<>");
    fold.edit(BEN, 1, &[splice(1, 0, "dgo")]);
    fold.edit(ANNA, 1, &[splice(1, 0, "c")]);
    fold.edit(BEN, 1, &[splice(2, 2, "")]);
    fold.edit(ANNA, 1, &[splice(2, 0, "x")]);
    fold.edit(BEN, 1, &[splice(2, 0, "og")]);
    fold.edit(ANNA, 1, &[splice(2, 1, "at")]);
    assert_eq!(fold.shown(), "<dogcat>");
}

#[test]
fn overlapping_deletes_delete_the_union_once() {
    let mut fold = Fold::of("abcdef");
    fold.edit(ANNA, 1, &[splice(1, 3, "")]);
    let effect = fold.edit(BEN, 1, &[splice(2, 3, "")]);
    assert_eq!(fold.shown(), "af");
    assert_eq!(effect.rebased, Some(edit_op(&[splice(1, 1, "")])));
    let effect = fold.edit(CLEO, 1, &[splice(2, 2, "")]);
    assert_eq!((effect.changed, fold.shown().as_str()), (true, "af"));
    assert_eq!(effect.rebased, Some(edit_op(&[splice(1, 0, "")])), "a no-op stays well formed");
}

#[test]
fn what_is_inserted_inside_a_deleted_range_stays() {
    let mut fold = Fold::of("abcdef");
    fold.edit(ANNA, 1, &[splice(3, 0, "XY")]);
    let effect = fold.edit(BEN, 1, &[splice(1, 4, "-")]);
    assert_eq!(fold.shown(), "a-XYf");
    let expected = edit_op(&[splice(1, 2, "-"), splice(4, 2, "")]);
    assert_eq!(effect.rebased, Some(expected));
    fold.edit(CLEO, 1, &[splice(4, 0, "Z")]);
    assert_eq!(fold.shown(), "a-XYZf");
}

#[test]
fn an_edit_by_an_author_who_is_up_to_date_stays_as_it_is() {
    let mut fold = Fold::of("abc");
    assert_eq!(fold.edit(BEN, 1, &[splice(1, 1, "x")]).rebased, None);
    assert_eq!(fold.edit(ANNA, 2, &[splice(0, 0, "y"), splice(2, 2, "z")]).rebased, None);
    assert_eq!(fold.shown(), "yaz");
}

#[test]
fn an_edit_makes_the_text_and_refuses_a_string() {
    let mut fold = Fold { fields: None, seq: 0 };
    fold.edit(ANNA, 0, &[splice(0, 0, "hi")]);
    assert_eq!(fold.shown(), "hi");
    let mut fold = Fold { fields: Some(Fields::from([("t".into(), Value::String("s".into()))])), seq: 0 };
    let op = edit_op(&[splice(0, 0, "hi")]);
    assert_eq!(fold.next(ANNA, 0, &op), Err(RejectReason::TypeMismatch));
}

#[test]
fn an_edit_outside_the_text_that_its_author_saw_is_rejected_whole() {
    let mut fold = Fold::of("abc");
    fold.edit(ANNA, 1, &[splice(3, 0, "def")]);
    for outside in [
        vec![splice(4, 0, "x")],
        vec![splice(2, 2, "")],
        vec![splice(u64::MAX, 0, "x")],
        vec![splice(1, u64::MAX, "x")],
        vec![splice(0, 0, "fine"), splice(8, 0, "x")],
        vec![splice(0, 3, ""), splice(1, 0, "x")],
    ] {
        assert_eq!(fold.next(BEN, 1, &edit_op(&outside)), Err(RejectReason::OutOfRange), "{outside:?}");
    }
    assert_eq!(fold.shown(), "abcdef");
    fold.edit(BEN, 2, &[splice(6, 0, "g")]);
    assert_eq!(fold.shown(), "abcdefg");
}

#[test]
fn a_text_put_anew_is_not_the_one_that_others_still_edit() {
    let mut fold = Fold::of("abc");
    fold.next(BEN, 1, &Op::TextCreate { path: path(), text: "new".into() }).unwrap();
    assert_eq!(fold.next(CLEO, 1, &edit_op(&[splice(2, 1, "x")])), Err(RejectReason::OutOfRange));
    fold.edit(CLEO, 2, &[splice(2, 1, "x")]);
    assert_eq!(fold.shown(), "nex");
}

#[test]
fn an_edit_that_does_nothing_changes_nothing() {
    let mut fold = Fold::of("abc");
    let effect = fold.edit(ANNA, 1, &[splice(1, 0, "")]);
    assert_eq!(effect, Effect::default());
    fold.edit(ANNA, 1, &[splice(0, 0, "xy")]);
    let effect = fold.edit(BEN, 1, &[splice(1, 0, "")]);
    assert_eq!(effect, Effect { changed: false, rebased: Some(edit_op(&[splice(3, 0, "")])) });
}

#[test]
fn what_everybody_has_seen_is_text_and_nothing_else() {
    let mut fold = Fold::of("abcdef");
    fold.edit(BEN, 1, &[splice(1, 2, "XYZ")]);
    fold.at(2000, ANNA, 1999, &edit_op(&[splice(7, 0, "!")])).unwrap();
    fold.at(4000, ANNA, 3999, &edit_op(&[splice(7, 1, "")])).unwrap();
    fold.at(6000, ANNA, 5999, &edit_op(&[splice(0, 0, "-")])).unwrap();
    let mut expected = Encoder::new();
    expected.array(2);
    expected.array(2);
    expected.str("-");
    expected.array(4);
    for number in [ANNA.0, 6000, 0] {
        expected.uint(number);
    }
    expected.nil();
    expected.str("aXYZdef");
    assert_eq!(fold.bytes(), expected.finish());
}

#[test]
fn a_pending_edit_never_moves_the_window() {
    let mut fold = Fold::of("abc");
    let mut pending = fold.clone();
    for offset in 0..3 {
        let op = edit_op(&[splice(offset, 1, "x")]);
        pending.at(Position::UNORDERED.seq, BEN, 1, &op).unwrap();
    }
    assert_eq!(pending.shown(), "xxx");
    let effect = pending.at(Position::UNORDERED.seq, CLEO, 1, &edit_op(&[splice(1, 1, "y")])).unwrap();
    assert_eq!(pending.shown(), "xxxy", "what Cleo deletes, Ben has deleted");
    assert_eq!(effect.rebased, Some(edit_op(&[splice(3, 0, "y")])));
    fold.edit(CLEO, 1, &[splice(1, 1, "y")]);
    assert_eq!(fold.shown(), "ayc");
}

#[test]
fn an_edit_broken_into_more_pieces_than_an_action_may_have_is_rebased_as_one() {
    let mut fold = Fold::of(&"a".repeat(3000));
    for part in 0..2u64 {
        let inserts: Vec<_> = (0..1000).map(|index| splice(part * 2000 + 2 * index + 1, 0, "b")).collect();
        fold.edit(ANNA, 1, &inserts);
    }
    let mut informed = fold.clone();
    let effect = fold.edit(BEN, 1, &[splice(0, 2500, "c")]);
    let Some(Op::TextEdit { splices, .. }) = effect.rebased else { panic!("rebased") };
    assert_eq!(splices.len(), 1);
    informed.edit(CLEO, informed.seq, &splices);
    assert_eq!(informed.shown(), fold.shown());
    assert_eq!(fold.shown(), format!("c{}{}", "b".repeat(2000), "a".repeat(500)));
}

#[test]
fn as_many_pieces_as_an_action_may_have_stay_pieces() {
    for (pieces, rebased) in [(1024, 1024), (1025, 1)] {
        let mut fold = Fold::of(&"a".repeat(pieces));
        let between: Vec<_> = (1..pieces as u64).map(|index| splice(2 * index - 1, 0, "b")).collect();
        for part in between.chunks(1000) {
            fold.edit(ANNA, 1, part);
        }
        let effect = fold.edit(BEN, 1, &[splice(0, pieces as u64, "")]);
        let Some(Op::TextEdit { splices, .. }) = effect.rebased else { panic!("rebased") };
        assert_eq!(splices.len(), rebased);
        assert_eq!(fold.shown(), "b".repeat(pieces - 1));
    }
}

#[test]
fn many_splices_are_one_from_the_first_to_the_last_character_that_they_change() {
    let text = |text: &str| Text::new(text, Stamp { author: ANNA, seq: 1 });
    for (splices, after, expected) in [
        (vec![splice(5, 1, ""), splice(3, 1, "ab"), splice(7, 0, "z")], "012ab46z789", splice(3, 4, "ab46z")),
        (vec![splice(2, 0, "x"), splice(6, 2, "")], "01x234789", splice(2, 5, "x234")),
        (vec![splice(0, 10, "")], "", splice(0, 10, "")),
        (vec![splice(0, 0, "x")], "x0123456789", splice(0, 0, "x")),
        (vec![splice(10, 0, "y"), splice(10, 1, "")], "0123456789", splice(10, 0, "")),
    ] {
        assert_eq!(super::as_one(&splices, 10, &text(after)), expected, "{splices:?}");
    }
}

#[test]
fn a_text_without_ids_for_more_characters_takes_no_more() {
    let mut out = Encoder::new();
    out.array(1);
    out.array(2);
    out.str("abc");
    out.array(4);
    [1, 5, u64::MAX - 10].into_iter().for_each(|number| out.uint(number));
    out.nil();
    let text = Text::decode(&mut Decoder::new(&out.finish())).unwrap();
    let fold = Fold { fields: Some(Fields::from([("t".into(), Value::Text(text))])), seq: 5 };
    let told = |inserts: &[&str]| {
        let splices: Vec<_> = inserts.iter().map(|insert| splice(0, 0, insert)).collect();
        fold.clone().next(ANNA, 5, &edit_op(&splices)).map(|effect| effect.changed)
    };
    assert_eq!((told(&["1234567"]), told(&["1234", "567"])), (Ok(true), Ok(true)));
    assert_eq!(told(&["12345678"]), Err(RejectReason::TooLarge));
    assert_eq!(told(&["1234", "5678"]), Err(RejectReason::TooLarge));
}

#[test]
fn other_spellings_of_a_text_do_not_decode() {
    let mut fold = Fold::of("abc");
    fold.edit(BEN, 1, &[splice(1, 1, "xy")]);
    let good = fold.bytes();
    assert!(Text::decode(&mut Decoder::new(&good)).is_ok());
    let write = |write: &dyn Fn(&mut Encoder)| {
        let mut out = Encoder::new();
        write(&mut out);
        out.finish()
    };
    let run = |out: &mut Encoder, text: &str, id: u64, origin: Option<u64>| {
        out.array(2);
        out.str(text);
        out.array(4);
        [1, 5, id].into_iter().for_each(|number| out.uint(number));
        match origin {
            Some(origin) => out.uint(origin),
            None => out.nil(),
        }
    };
    for (name, bytes) in [
        (
            "unjoined settled runs",
            write(&|out| {
                out.array(2);
                out.str("a");
                out.str("b");
            }),
        ),
        (
            "an empty run",
            write(&|out| {
                out.array(1);
                out.str("");
            }),
        ),
        (
            "a settled run in long form",
            write(&|out| {
                out.array(1);
                out.array(2);
                out.str("a");
                out.nil();
            }),
        ),
        (
            "unjoined runs",
            write(&|out| {
                out.array(2);
                run(out, "a", 0, None);
                run(out, "b", 1, Some(0));
            }),
        ),
        (
            "one id twice",
            write(&|out| {
                out.array(2);
                run(out, "a", 0, None);
                run(out, "b", 0, None);
            }),
        ),
        (
            "hanging on nothing",
            write(&|out| {
                out.array(1);
                run(out, "a", 7, Some(3));
            }),
        ),
        (
            "hanging on itself",
            write(&|out| {
                out.array(1);
                run(out, "a", 7, Some(7));
            }),
        ),
        (
            "too many ids",
            write(&|out| {
                out.array(1);
                run(out, "a", u64::MAX, None);
            }),
        ),
        (
            "a tombstone that nobody deleted",
            write(&|out| {
                out.array(1);
                out.array(2);
                out.uint(1);
                out.nil();
            }),
        ),
        (
            "too many characters",
            write(&|out| {
                out.array(1);
                out.array(4);
                out.uint(u64::MAX);
                out.nil();
                out.uint(1);
                out.uint(1);
            }),
        ),
        ("a long number", [&[0xdc, 0, 1][..], &[0xa1, b'a']].concat()),
    ] {
        assert!(Text::decode(&mut Decoder::new(&bytes)).is_err(), "{name}");
    }
    for len in 0..good.len() {
        assert!(Text::decode(&mut Decoder::new(&good[..len])).is_err());
    }
    for index in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[index] ^= 1 << bit;
            if let Ok(text) = Text::decode(&mut Decoder::new(&bytes)) {
                let mut out = Encoder::new();
                text.encode(&mut out);
                assert!(bytes.starts_with(&out.finish()));
            }
        }
    }
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn word(&mut self) -> String {
        let len = if self.below(20) == 0 { self.below(700) } else { self.below(4) };
        (0..len).map(|_| ['a', 'b', 'ß', '€', '𝄞', '\n'][self.below(6) as usize]).collect()
    }

    /// Splices inside a text of `chars` characters.
    fn splices(&mut self, mut chars: u64) -> Vec<TextSplice> {
        (0..1 + self.below(3))
            .map(|_| {
                let offset = self.below(chars + 1);
                let delete = if self.below(3) == 0 { self.below((chars - offset).min(6) + 1) } else { 0 };
                let insert = self.word();
                chars = chars - delete + insert.chars().count() as u64;
                TextSplice { offset, delete, insert }
            })
            .collect()
    }
}

/// Folds a random history beside the naive model. Every author knows a growing part of the order.
fn random_history(seed: u64, authors: u64, entries: u64, jump: u64, naive_prunes: bool, lag: u64) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let mut fold = Fold { fields: None, seq: 0 };
    fold.edit(ANNA, 0, &[splice(0, 0, "")]);
    let mut reread = fold.clone();
    let mut naive = Naive::default();
    let mut known = vec![0; authors as usize];
    let mut seq = 1;
    for _ in 0..entries {
        let author = MemberNo(1 + dice.below(authors));
        seq += 1 + dice.below(jump);
        let oldest = known[author.0 as usize - 1].max(seq.saturating_sub(lag.min(1024)));
        let base_seq = oldest + dice.below(seq - oldest);
        known[author.0 as usize - 1] = base_seq;
        // Now and then two Transactions in one Entry.
        for _ in 0..1 + dice.below(2) {
            let by = By { author, base_seq, seq };
            let splices = dice.splices(naive.len_for(&by) as u64);
            let changes = splices.iter().any(|splice| splice.delete > 0 || !splice.insert.is_empty());
            if naive_prunes && changes {
                naive.prune(seq.saturating_sub(1024));
            }
            naive.edit(&by, &splices);
            let mut informed = fold.clone();
            let bytes_before = fold.bytes().len();
            let growth = splices
                .iter()
                .map(|splice| fold.text().splice_bound(splice.delete as usize) + splice.insert.len());
            let growth: usize = growth.sum();
            let effect = fold.at(seq, author, base_seq, &edit_op(&splices)).unwrap();
            reread.at(seq, author, base_seq, &edit_op(&splices)).unwrap();
            assert_eq!(effect.changed, changes);
            assert_eq!(fold.shown(), naive.visible(), "seed {seed} seq {seq}");

            let rebased = effect.rebased.unwrap_or(edit_op(&splices));
            let op = Action { key: DocumentKey::new("c", "d"), op: rebased };
            assert!(op.op.is_well_formed());
            assert_eq!(informed.at(seq, MemberNo(99), seq, &op.op).unwrap().rebased, None);
            assert_eq!(informed.shown(), fold.shown(), "seed {seed} seq {seq}");

            let bytes = fold.bytes();
            if naive_prunes {
                assert_eq!(bytes, naive.encode(), "seed {seed} seq {seq}");
            }
            assert!(bytes.len() <= fold.text().encoded_bound() && bytes.len() <= bytes_before + growth);
            let mut input = Decoder::new(&bytes);
            let text = Text::decode(&mut input).unwrap();
            assert_eq!(input.remaining(), 0);
            // One state folds on in pieces as they grew, the other in pieces as they were read.
            assert_eq!(text, *reread.text());
            reread.fields = Some(Fields::from([("t".into(), Value::Text(text))]));
            assert_eq!(reread.bytes(), bytes, "seed {seed} seq {seq}");
        }
    }
}

#[test]
fn random_histories_inside_the_window_match_the_naive_model() {
    for seed in 0..30 {
        random_history(seed, 2 + seed % 3, 150, 6, true, 1024);
    }
}

#[test]
fn random_histories_across_the_window_match_the_naive_model_that_prunes() {
    for seed in 100..160 {
        random_history(seed, 2 + seed % 3, 150, 300, true, 1024);
    }
}

#[test]
fn random_histories_of_authors_who_are_up_to_date_are_forgotten_without_a_change() {
    for seed in 200..240 {
        random_history(seed, 3, 120, 500, false, 1);
    }
}

#[test]
fn random_bytes_that_decode_can_be_edited_and_encoded_again() {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(7));
    let mut fold = Fold::of("abcdef");
    for seq in 2..14 {
        let author = MemberNo(1 + dice.below(3));
        let by = View { author, base_seq: 1 };
        let splices = dice.splices(fold.text().chars_count_for(&by) as u64);
        fold.at(seq, author, 1, &edit_op(&splices)).unwrap();
    }
    let good = fold.bytes();
    let mut decoded = 0;
    for _ in 0..30_000 {
        let mut bytes = good.clone();
        for _ in 0..1 + dice.below(3) {
            let index = dice.below(bytes.len() as u64) as usize;
            bytes[index] = dice.below(256) as u8;
        }
        let Ok(text) = Text::decode(&mut Decoder::new(&bytes)) else { continue };
        decoded += 1;
        let mut fold = Fold { fields: Some(Fields::from([("t".into(), Value::Text(text))])), seq: 0 };
        for _ in 0..4 {
            let (author, seq) = (MemberNo(dice.below(4)), dice.below(3000));
            let splices = dice.splices(fold.text().chars_count() as u64);
            let _ = fold.at(seq, author, dice.below(3000), &edit_op(&splices));
            let bytes = fold.bytes();
            assert_eq!(Text::decode(&mut Decoder::new(&bytes)).as_ref(), Ok(fold.text()));
        }
    }
    assert!(decoded > 1000, "{decoded}");
}
