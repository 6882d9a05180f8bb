//! What simulated users do: every kind of operation, on few documents, so that they meet.

use crate::harness::{Rng, Seen, State, World};
use veilfold_core::engine::Draft;
use veilfold_core::model::{
    Action, Condition, DocumentKey, Op, Path, Place, Segment, SetMember, TextSplice, Value,
};
use veilfold_core::wire::SpaceId;

/// One act of one user. What the app is told is wrong changes nothing and is no violation.
pub fn act(world: &mut World, device: usize, space: SpaceId) {
    let mut rng = world.rng.clone();
    let mut seen = Vec::new();
    let draft = draft(world, device, space, &mut rng, &mut seen);
    world.rng = rng;
    if !seen.is_empty() && world.rng.chance(200) {
        // Thinks about what was read; meanwhile things happen.
        for _ in 0..world.rng.below(8) {
            let until = world.now_ms + 1_000;
            world.tick(until);
        }
    }
    let (Some(draft), true) = (draft, world.devices[device].engine.is_some()) else { return };
    let now = world.clock(device);
    match world.call(device, |engine| engine.transact(space, draft, now)) {
        Ok(Some(committed)) => {
            world.counts.commits += 1;
            let device = &mut world.devices[device];
            device.promised.entry(committed.tx_id).or_insert(None);
            if !seen.is_empty() {
                device.seen.insert(committed.tx_id, seen);
            }
        }
        Ok(None) => world.states.reached(State::ReadAgain),
        Err(error) if error.code == "rejected" => world.states.reached(State::RejectedAtOnce),
        // Killed meanwhile, or not a Member yet.
        Err(_) => {}
    }
}

/// A faulty writer: the root that it attaches next is made up.
pub fn invent_root(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_some()
        && world.call(device, |engine| engine.invent_root(space)).is_ok_and(|invented| invented)
    {
        world.counts.invented_roots += 1;
    }
}

/// A faulty writer: seals some own Transaction that is in the order already once more.
pub fn write_again(world: &mut World, device: usize, space: SpaceId) {
    let Some(engine) = &mut world.devices[device].engine else { return };
    let Ok(members) = engine.members(space) else { return };
    let me = members.iter().find(|member| member.me).map(|member| member.member);
    let Ok(entries) = engine.log_entries(space, 0, usize::MAX >> 1) else { return };
    let mut own: Vec<_> = entries
        .into_iter()
        .filter(|entry| Some(entry.author) == me)
        .filter_map(|entry| entry.transactions)
        .collect();
    if own.is_empty() {
        return;
    }
    let chosen = own.swap_remove(world.rng.below(own.len() as u64) as usize);
    let now = world.clock(device);
    if world.call(device, |engine| engine.seal_copies(space, chosen, now)).is_ok_and(|sealed| sealed) {
        world.counts.copies += 1;
    }
}

fn draft(
    world: &mut World,
    device: usize,
    space: SpaceId,
    rng: &mut Rng,
    seen: &mut Vec<Seen>,
) -> Option<Draft> {
    world.devices[device].engine.as_ref()?;
    let mut draft = Draft::default();
    if rng.chance(130) {
        draft.actions = transfer(rng);
        if rng.chance(250) {
            // A turn that counts only if the transfer does; others read the number.
            let op = Op::Increment { path: path("n"), by: 1 };
            draft.actions.insert(0, Action { key: DocumentKey::new("turns", "next"), op });
        }
        return Some(draft);
    }
    if rng.chance(80) {
        return one_more(world, device, space, seen);
    }
    if rng.chance(60) {
        return doubtful_text(world, device, space, rng, seen);
    }
    if rng.chance(150) {
        // Reads first and depends on it: a seat that is free is taken.
        let key = seat(rng);
        let preview = world.call(device, |engine| engine.preview(space, &[], &key)).ok()?;
        seen.push(Seen::document(&key, preview.0.as_ref()));
        let taken = preview.0.is_some_and(|fields| fields.contains_key("by"));
        if taken {
            return None;
        }
        draft.reads.push(preview.1);
        if rng.chance(250) {
            // Looks at all seats, so one that somebody else takes meanwhile is a conflict too.
            let page =
                world.call(device, |engine| engine.preview_page(space, &[], &key.collection, None, 100));
            let (rows, read) = page.ok()?;
            seen.push(Seen::collection(&key.collection, &rows));
            draft.reads.push(read);
        }
        let by = Value::Int(device as i64);
        draft.actions.push(Action { key, op: Op::Set { path: path("by"), value: by } });
        if rng.chance(300) {
            draft.actions.push(count(rng));
        }
        return Some(draft);
    }
    let actions = if rng.chance(150) { 1 + rng.below(4) } else { 1 };
    for _ in 0..actions {
        draft.actions.push(action(world, device, space, rng)?);
    }
    Some(draft)
}

/// Reads a number and writes the next one: what everybody who does so at once must not lose.
fn one_more(world: &mut World, device: usize, space: SpaceId, seen: &mut Vec<Seen>) -> Option<Draft> {
    let key = DocumentKey::new("turns", "next");
    let (fields, read) = world.call(device, |engine| engine.preview(space, &[], &key)).ok()?;
    let turn = match fields.as_ref().and_then(|fields| fields.get("n")) {
        Some(Value::Int(turn)) => *turn,
        _ => 0,
    };
    seen.push(Seen::document(&key, fields.as_ref()));
    let op = Op::Set { path: path("n"), value: Value::Int(turn + 1) };
    Some(Draft { reads: vec![read], actions: vec![Action { key, op }], ..Draft::default() })
}

/// Text that may be taken back: written together with something that others change as well. What is
/// typed after it stands on it.
fn doubtful_text(
    world: &mut World,
    device: usize,
    space: SpaceId,
    rng: &mut Rng,
    seen: &mut Vec<Seen>,
) -> Option<Draft> {
    let mut draft = match rng.below(2) {
        0 => one_more(world, device, space, seen)?,
        _ => Draft { actions: transfer(rng), ..Draft::default() },
    };
    draft.actions.push(text_action(world, device, space, rng)?);
    Some(draft)
}

/// Moves an amount from one account to another; sometimes only when the first one can bear it, which is
/// looked at last.
fn transfer(rng: &mut Rng) -> Vec<Action> {
    let first = rng.below(3);
    let accounts =
        [first, (first + 1 + rng.below(2)) % 3].map(|n| DocumentKey::new("accounts", format!("a{n}")));
    let amount = 1 + rng.below(9) as i64;
    let increment =
        |key: &DocumentKey, by| Action { key: key.clone(), op: Op::Increment { path: path("n"), by } };
    let mut actions = vec![increment(&accounts[0], -amount), increment(&accounts[1], amount)];
    if rng.chance(500) {
        let condition = Condition::AtLeast(-4);
        actions.push(Action { key: accounts[0].clone(), op: Op::Expect { path: path("n"), condition } });
    }
    actions
}

fn action(world: &mut World, device: usize, space: SpaceId, rng: &mut Rng) -> Option<Action> {
    Some(match rng.below(15) {
        0..=2 => count(rng),
        3 => Action { key: record(rng), op: Op::Set { path: path("title"), value: literal(rng) } },
        4 => {
            let fields = [("title".to_owned(), literal(rng)), ("tags".to_owned(), literal(rng))];
            Action {
                key: record(rng),
                op: Op::Set { path: Path::default(), value: Value::Map(fields.into()) },
            }
        }
        5 => Action { key: record(rng), op: Op::Merge { path: Path::default(), value: map(rng) } },
        6 => Action { key: record(rng), op: Op::Delete },
        7 => Action { key: record(rng), op: Op::SetAdd { path: path("set"), member: member(rng) } },
        8 => Action { key: record(rng), op: Op::SetRemove { path: path("set"), member: member(rng) } },
        9 => {
            let condition = match rng.below(3) {
                0 => Condition::AtLeast(rng.below(20) as i64),
                1 => Condition::Exists,
                _ => Condition::Missing,
            };
            Action { key: counter(), op: Op::Expect { path: path("n"), condition } }
        }
        10 => {
            let fields = [("title".to_owned(), literal(rng))];
            Action { key: record(rng), op: Op::Create { fields: Value::Map(fields.into()) } }
        }
        11 => list_action(world, device, space, rng)?,
        _ => text_action(world, device, space, rng)?,
    })
}

fn list_action(world: &mut World, device: usize, space: SpaceId, rng: &mut Rng) -> Option<Action> {
    let key = DocumentKey::new("lists", "one");
    let fields = world.call(device, |engine| engine.read(space, &key)).ok()?;
    let ids: Vec<_> = match fields.as_ref().and_then(|fields| fields.get("list")) {
        Some(Value::List(list)) => list.iter().map(|(id, _)| *id).collect(),
        _ => Vec::new(),
    };
    let list = path("list");
    let some = |rng: &mut Rng| (!ids.is_empty() && rng.chance(800)).then(|| *rng.pick(&ids));
    let place = Place { after: some(rng), before: some(rng) };
    let op = match (rng.below(4), some(rng)) {
        (0, Some(element)) => Op::ListRemove { path: list, element },
        (1, Some(element)) => Op::ListMove { path: list, element, place },
        (2, Some(element)) => Op::Set {
            path: Path(vec![Segment::Key("list".to_owned()), Segment::Element(element)]),
            value: literal(rng),
        },
        _ => Op::ListInsert { path: list, place, value: literal(rng) },
    };
    Some(Action { key, op })
}

fn text_action(world: &mut World, device: usize, space: SpaceId, rng: &mut Rng) -> Option<Action> {
    let key = DocumentKey::new("notes", "one");
    let fields = world.call(device, |engine| engine.read(space, &key)).ok()?;
    let length = match fields.as_ref().and_then(|fields| fields.get("body")) {
        Some(Value::Text(text)) => text.to_string().chars().count() as u64,
        _ => 0,
    };
    let offset = rng.below(length + 1);
    let delete = if rng.chance(300) { rng.below((length - offset).min(4) + 1) } else { 0 };
    let insert = match rng.below(4) {
        0 if delete > 0 => String::new(),
        1 => "é🌊x".chars().take(1 + rng.below(3) as usize).collect(),
        _ => char::from(b'a' + rng.below(26) as u8).to_string(),
    };
    let splices = vec![TextSplice { offset, delete, insert }];
    Some(Action { key, op: Op::TextEdit { path: path("body"), splices } })
}

fn count(rng: &mut Rng) -> Action {
    Action { key: counter(), op: Op::Increment { path: path("n"), by: 1 + rng.below(3) as i64 } }
}

fn counter() -> DocumentKey {
    DocumentKey::new("stats", "all")
}

fn record(rng: &mut Rng) -> DocumentKey {
    DocumentKey::new("records", format!("r{}", rng.below(4)))
}

fn seat(rng: &mut Rng) -> DocumentKey {
    DocumentKey::new("seats", format!("s{}", rng.below(6)))
}

fn member(rng: &mut Rng) -> SetMember {
    match rng.below(3) {
        0 => SetMember::Int(rng.below(5) as i64),
        1 => SetMember::Bool(rng.chance(500)),
        _ => SetMember::String(format!("m{}", rng.below(5))),
    }
}

fn map(rng: &mut Rng) -> Value {
    let inner = [("deep".to_owned(), literal(rng))];
    Value::Map([("nested".to_owned(), Value::Map(inner.into()))].into())
}

fn literal(rng: &mut Rng) -> Value {
    match rng.below(5) {
        0 => Value::Null,
        1 => Value::Int(rng.draw() as i64),
        2 => Value::Float(rng.below(1000) as f64 / 8.0),
        3 => Value::Array(vec![Value::Int(rng.below(9) as i64), Value::String("x".to_owned())]),
        _ => Value::String(format!("v{}", rng.below(100))),
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}
