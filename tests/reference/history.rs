//! Random histories: authors who know different parts of the order, every kind of operation, read
//! sets and conditions, some of them wrong.
//!
//! The reference model is folded along, so that most of what authors do makes sense to them.

use crate::dice::Dice;
use veilfold_core::model::{
    Action, Condition, DocumentKey, DocumentRead, ElementId, Op, Path, Place, Position, Segment, TextSplice,
    Transaction, TxId, TxNos, Value, fields_from_json,
};
use veilfold_core::wire::MemberNo;
use veilfold_tests::reference::{Outcome, ReferenceModel};

/// A data Entry that counts.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: u64,
    pub author: MemberNo,
    pub seen_seq: u64,
    pub transactions: Vec<Transaction>,
}

struct Author {
    member: MemberNo,
    next_tx_no: u64,
    /// The order up to which it has folded, which never goes back.
    folded: u64,
}

struct World {
    dice: Dice,
    model: ReferenceModel,
    seq: u64,
    keys: Vec<DocumentKey>,
    /// Versions of documents, as far as accepted Transactions named them.
    touched: Vec<(DocumentKey, Position)>,
    tx_ids: Vec<TxId>,
    /// Texts are edited more than anything else.
    mostly_text: bool,
    /// Values near the size limit.
    large: bool,
}

/// The history of that seed.
pub fn history(seed: u64) -> Vec<Entry> {
    let mut dice = Dice::new(seed);
    let mut authors: Vec<Author> = (1..=2 + dice.below(3))
        .map(|member| Author { member: MemberNo(member), next_tx_no: 1, folded: 0 })
        .collect();
    let mut keys = vec![DocumentKey::new("c", "one"), DocumentKey::new("c", "two")];
    keys.extend([DocumentKey::new("other", "one"), DocumentKey::new("d", "three")]);
    let mostly_text = seed % 3 == 1;
    keys.truncate(if mostly_text { 1 } else { 1 + dice.below(4) as usize });
    let longest_gap = dice.pick(&[1, 6, 300, 1100]);
    let large = seed.is_multiple_of(50);
    let count = if large { 12 } else { 60 };
    let model = ReferenceModel::new();
    let (touched, tx_ids) = (Vec::new(), vec![TxId([0; 8])]);
    let mut world = World { dice, model, seq: 0, keys, touched, tx_ids, mostly_text, large };
    let mut entries = Vec::new();
    for _ in 0..count {
        world.seq += 1 + if world.dice.one_in(3) { world.dice.below(longest_gap) } else { 0 };
        let index = world.dice.below(authors.len() as u64) as usize;
        let entry = world.entry(&mut authors[index]);
        let outcomes = world.model.fold_entry(entry.seq, entry.author, entry.seen_seq, &entry.transactions);
        for (index, (transaction, outcome)) in entry.transactions.iter().zip(outcomes).enumerate() {
            if outcome == Outcome::Accepted {
                let position = Position { seq: entry.seq, index: index as u64 };
                let keys = transaction.actions.iter().map(|action| action.key.clone());
                world.touched.extend(
                    keys.flat_map(|key| [(DocumentKey::whole(&key.collection), position), (key, position)]),
                );
            }
        }
        entries.push(entry);
    }
    entries
}

impl World {
    fn entry(&mut self, author: &mut Author) -> Entry {
        let seq = self.seq;
        let last = seq - 1;
        author.folded += self.dice.below(last - author.folded + 1);
        let near = last - self.dice.below(last.min(3) + 1);
        author.folded = if self.dice.one_in(3) { author.folded.max(near) } else { author.folded };
        // Devices that are far behind catch up before they write.
        if seq - author.folded > 1024 && !self.dice.one_in(20) {
            author.folded = seq - 1 - self.dice.below(1024);
        }
        let seen_seq = author.folded + self.dice.below(last - author.folded + 1);
        let transactions = (0..1 + self.dice.below(3)).map(|_| self.transaction(author, seen_seq)).collect();
        Entry { seq, author: author.member, seen_seq, transactions }
    }

    fn transaction(&mut self, author: &mut Author, seen_seq: u64) -> Transaction {
        let left_out = if self.dice.one_in(12) { self.dice.below(4) } else { 0 };
        let again = if self.dice.one_in(25) { self.dice.below(3) } else { 0 };
        let tx_no = (author.next_tx_no + left_out).saturating_sub(again).max(1);
        author.next_tx_no = author.next_tx_no.max(tx_no + 1);
        let base_seq = match self.dice.below(60) {
            0 => seen_seq + self.dice.below(2),
            1 => author.folded.saturating_sub(self.dice.below(1100)),
            _ => author.folded,
        };
        let reused = self.dice.one_in(50);
        let tx_id = if reused { self.dice.pick(&self.tx_ids.clone()) } else { TxId(self.dice.bytes()) };
        self.tx_ids.push(tx_id);
        let count = if self.dice.one_in(3) { 1 + self.dice.below(5) } else { 1 };
        let actions = (0..count).map(|_| self.action(author.member, base_seq)).collect();
        let count = if self.dice.one_in(3) { 1 + self.dice.below(2) } else { 0 };
        let reads = (0..count).map(|_| self.read(tx_no, base_seq)).collect();
        let depends = if self.dice.one_in(4) { self.own(tx_no) } else { TxNos::default() };
        Transaction { tx_no, tx_id, base_seq, time_ms: 0, reads, depends, actions }
    }

    fn read(&mut self, tx_no: u64, base_seq: u64) -> DocumentRead {
        let mut key = self.dice.pick(&self.keys);
        if self.dice.one_in(4) {
            key = DocumentKey::whole(key.collection);
        }
        let newest = self.model.version(&key);
        let known = self.touched.iter().rev().find(|(other, at)| *other == key && at.seq <= base_seq);
        let version = match (self.dice.below(8), known) {
            (0 | 1, _) => newest,
            (2..=6, Some((_, position))) => *position,
            (7, _) => Position { seq: self.dice.below(self.seq + 2), index: self.dice.below(3) },
            _ => Position::START,
        };
        let own = if self.dice.one_in(3) { self.own(tx_no) } else { TxNos::default() };
        let absent = if self.dice.one_in(6) { self.own(tx_no) } else { TxNos::default() };
        DocumentRead { key, version, own, absent }
    }

    /// Numbers of own Transactions, mostly of the last few.
    fn own(&mut self, tx_no: u64) -> TxNos {
        let mut own = TxNos::default();
        let reach = if self.dice.one_in(4) { tx_no } else { tx_no.min(4) };
        for number in (tx_no - reach).max(1)..tx_no {
            if self.dice.one_in(3) {
                own.push(number);
            }
        }
        if self.dice.one_in(60) {
            own.push(tx_no + self.dice.below(2));
        }
        own
    }

    fn action(&mut self, author: MemberNo, base_seq: u64) -> Action {
        let key = self.dice.pick(&self.keys);
        let op = self.op(&key, author, base_seq);
        Action { key, op }
    }

    fn op(&mut self, key: &DocumentKey, author: MemberNo, base_seq: u64) -> Op {
        if self.mostly_text && !self.dice.one_in(8) {
            let path = self.path("t");
            return self.text_edit(key, path, author, base_seq);
        }
        if self.large && self.dice.one_in(3) {
            let path = self.path("x");
            if self.dice.one_in(2) {
                let letters = "x".repeat(200_000 + self.dice.below(900_000) as usize);
                return Op::Set { path, value: Value::String(letters) };
            }
            let insert = "𝄞".repeat(self.dice.below(60_000) as usize);
            let splices = vec![TextSplice { offset: 0, delete: 0, insert }];
            return Op::TextEdit { path: self.path("t"), splices };
        }
        match self.dice.below(30) {
            0 => Op::Create { fields: self.dice.map(2) },
            1 if self.dice.one_in(3) => Op::Set { path: Path::default(), value: self.dice.map(2) },
            1..4 => {
                let name = self.dice.pick(&["n", "x", "m.x", "m.y.z", "l", "m"]);
                Op::Set { path: self.path(name), value: self.dice.literal(3) }
            }
            4 | 5 => Op::Unset { path: self.any_path() },
            6 => Op::Merge { path: Path::default(), value: self.dice.map(2) },
            7 | 8 => Op::Merge { path: self.path("m"), value: self.dice.map(2) },
            9..12 => Op::Increment { path: self.path("n"), by: self.dice.int() },
            12..15 => {
                Op::ListInsert { path: self.path("l"), place: self.place(), value: self.dice.literal(2) }
            }
            15 | 16 => Op::ListMove { path: self.path("l"), element: self.element(), place: self.place() },
            17 => Op::ListRemove { path: self.path("l"), element: self.element() },
            18..21 => Op::SetAdd { path: self.path("s"), member: self.dice.member() },
            21 => Op::SetRemove { path: self.path("s"), member: self.dice.member() },
            22 if self.dice.one_in(3) => Op::Delete,
            22 | 23 => self.expect(key),
            24 => Op::TextCreate { path: self.path("t"), text: self.dice.word() },
            _ => {
                let path = self.path("t");
                self.text_edit(key, path, author, base_seq)
            }
        }
    }

    /// The path of that name, and now and then any other.
    fn path(&mut self, name: &str) -> Path {
        if !self.dice.one_in(12) {
            return Path::parse(name).unwrap();
        }
        self.any_path()
    }

    fn any_path(&mut self) -> Path {
        if self.dice.one_in(6) {
            let keys = ["k"; 32];
            return Path::keys(&keys[self.dice.below(3) as usize..]).unwrap();
        }
        let name = self.dice.pick(&["n", "l", "s", "t", "x", "m", "m.x", "m.y.z", "m.n", "m.l", "l.x"]);
        let mut path = Path::parse(name).unwrap();
        if self.dice.one_in(3) {
            path.0 = vec![Segment::Key("l".into()), Segment::Element(self.element())];
            if self.dice.one_in(2) {
                path.0.push(Segment::Key(self.dice.pick(&["a", "n", "t"]).to_owned()));
            }
        }
        path
    }

    /// The name of an element that somebody has made, or could have.
    fn element(&mut self) -> ElementId {
        let recent = self.tx_ids.len().saturating_sub(25);
        let tx_id = self.dice.pick(&self.tx_ids[recent..]);
        let mut id = [0; 12];
        id[..8].copy_from_slice(&tx_id.0);
        id[11] = if self.dice.one_in(2) { 0 } else { self.dice.below(4) as u8 };
        ElementId(id)
    }

    fn place(&mut self) -> Place {
        let after = if self.dice.one_in(2) { Some(self.element()) } else { None };
        let before = if self.dice.one_in(3) { Some(self.element()) } else { None };
        Place { after, before }
    }

    /// A condition, more often true than not.
    fn expect(&mut self, key: &DocumentKey) -> Op {
        let fields = self.model.document(key).and_then(|json| fields_from_json(&json).ok());
        let Some(fields) = fields.filter(|_| !self.dice.one_in(4)) else {
            let condition = match self.dice.below(5) {
                0 => Condition::Exists,
                1 => Condition::Missing,
                2 => Condition::Equals(self.dice.literal(1)),
                3 => Condition::AtLeast(self.dice.int()),
                _ => Condition::AtMost(self.dice.int()),
            };
            return Op::Expect { path: self.any_path(), condition };
        };
        let fields_list: Vec<_> = fields.clone().into_iter().collect();
        if self.dice.one_in(4) || fields_list.is_empty() {
            return Op::Expect { path: Path::default(), condition: Condition::Equals(Value::Map(fields)) };
        }
        let (name, value) = self.dice.pick(&fields_list);
        Op::Expect { path: Path::keys(&[&name]).unwrap(), condition: Condition::Equals(value) }
    }

    fn text_edit(&mut self, key: &DocumentKey, path: Path, author: MemberNo, base_seq: u64) -> Op {
        let mut chars = self.model.seen_chars(key, &path, author, base_seq).unwrap_or(0) as u64;
        let mut splices = Vec::new();
        for _ in 0..1 + self.dice.below(3) {
            let offset = self.dice.below(chars + 1);
            let room = (chars - offset).min(6);
            let mut delete = if self.dice.one_in(3) { self.dice.below(room + 1) } else { 0 };
            if self.dice.one_in(60) {
                delete = chars - offset + self.dice.below(2);
            }
            let insert = self.dice.word();
            chars = chars.saturating_sub(delete) + insert.chars().count() as u64;
            splices.push(TextSplice { offset, delete, insert });
        }
        Op::TextEdit { path, splices }
    }
}
