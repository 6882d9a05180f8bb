//! What simulated users do: every kind of operation, on few documents, so that they meet.

use crate::harness::{Rng, World};
use veilfold_core::engine::Draft;
use veilfold_core::model::{
    Action, Condition, DocumentKey, Op, Path, Place, Segment, SetMember, TextSplice, Value,
};
use veilfold_core::wire::SpaceId;

/// One act of one user. What the app is told is wrong changes nothing and is no violation.
pub fn act(world: &mut World, device: usize, space: SpaceId) {
    let mut rng = world.rng.clone();
    let draft = draft(world, device, space, &mut rng);
    world.rng = rng;
    let (Some(draft), true) = (draft, world.devices[device].engine.is_some()) else { return };
    let now = world.now_ms;
    if let Ok(Some(committed)) = world.call(device, |engine| engine.transact(space, draft, now)) {
        world.counts.commits += 1;
        world.devices[device].promised.entry(committed.tx_id).or_insert(None);
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
    let now = world.now_ms;
    if world.call(device, |engine| engine.seal_copies(space, chosen, now)).is_ok_and(|sealed| sealed) {
        world.counts.copies += 1;
    }
}

fn draft(world: &mut World, device: usize, space: SpaceId, rng: &mut Rng) -> Option<Draft> {
    world.devices[device].engine.as_ref()?;
    let mut draft = Draft::default();
    if rng.chance(150) {
        // Reads first and depends on it: a seat that is free is taken, a balance is moved.
        let key = seat(rng);
        let preview = world.call(device, |engine| engine.preview(space, &[], &key)).ok()?;
        let taken = preview.0.is_some_and(|fields| fields.contains_key("by"));
        if taken {
            return None;
        }
        draft.reads.push(preview.1);
        if rng.chance(250) {
            // Looks at all seats, so one that somebody else takes meanwhile is a conflict too.
            let page =
                world.call(device, |engine| engine.preview_page(space, &[], &key.collection, None, 100));
            draft.reads.push(page.ok()?.1);
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

fn action(world: &mut World, device: usize, space: SpaceId, rng: &mut Rng) -> Option<Action> {
    Some(match rng.below(14) {
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
        10 => list_action(world, device, space, rng)?,
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
