//! A value inside a document, in plain lists and maps: from literals, to JSON, to canonical bytes.
//!
//! Called by the rest of `reference/`. What an operation does to it is said in `act.rs`.

use super::encoding;
use super::text::Text;
use serde_json::{Map, Number, Value as Json};
use std::collections::BTreeMap;
use veilfold_core::model::{ElementId, SetMember, TxId, Value};

/// Any stored value. A document is a `Map`.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Map(BTreeMap<String, Node>),
    /// Elements with their ids.
    List(Vec<(ElementId, Node)>),
    /// Members as they were added, each once.
    Set(Vec<SetMember>),
    Text(Text),
}

/// Ids for the list elements that one Transaction makes: its name, and a count from 0.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    tx_id: TxId,
    next: u32,
}

impl Ids {
    pub(super) fn new(tx_id: TxId) -> Self {
        Self { tx_id, next: 0 }
    }

    pub(super) fn draw(&mut self) -> ElementId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.tx_id.0);
        id[8..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        ElementId(id)
    }
}

impl Node {
    /// The empty map that every document starts as.
    pub(super) fn empty() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// The stored form of a literal. Ids go to outer elements before inner ones, and through maps in
    /// the order of their keys.
    pub(super) fn from_literal(value: &Value, ids: &mut Ids) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(value) => Self::String(value.clone()),
            Value::Array(values) => {
                let mut list = Vec::new();
                for value in values {
                    let id = ids.draw();
                    list.push((id, Self::from_literal(value, ids)));
                }
                Self::List(list)
            }
            Value::Map(map) => {
                let mut out = BTreeMap::new();
                for (key, value) in map {
                    out.insert(key.clone(), Self::from_literal(value, ids));
                }
                Self::Map(out)
            }
            Value::List(_) | Value::Set(_) | Value::Text(_) => {
                unreachable!("a Transaction that decodes carries literals alone")
            }
        }
    }

    /// A document that the simulations' own resolver gave: a map of numbers.
    pub(super) fn from_json(json: &Json) -> Self {
        match json {
            Json::Object(fields) => {
                let mut out = BTreeMap::new();
                for (key, value) in fields {
                    out.insert(key.clone(), Self::from_json(value));
                }
                Self::Map(out)
            }
            number => Self::Int(number.as_i64().expect("its documents are maps of numbers")),
        }
    }

    /// How deep maps, lists, sets and texts are nested, this one counted.
    pub(super) fn depth(&self) -> usize {
        let inside = match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => return 0,
            Self::Map(map) => map.values().map(Self::depth).max(),
            Self::List(list) => list.iter().map(|(_, node)| node.depth()).max(),
            Self::Set(_) | Self::Text(_) => None,
        };
        1 + inside.unwrap_or(0)
    }

    /// True when the stored value is what a literal of an `expect` says, bit by bit: lists by their
    /// values, sets by their members in order, texts by what is visible.
    pub(super) fn is(&self, literal: &Value) -> bool {
        match (self, literal) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(stored), Value::Bool(literal)) => stored == literal,
            (Self::Int(stored), Value::Int(literal)) => stored == literal,
            (Self::Float(stored), Value::Float(literal)) => stored.to_bits() == literal.to_bits(),
            (Self::String(stored), Value::String(literal)) => stored == literal,
            (Self::Text(text), Value::String(literal)) => text.visible() == *literal,
            (Self::List(list), Value::Array(literals)) => {
                list.len() == literals.len()
                    && list.iter().zip(literals).all(|((_, stored), literal)| stored.is(literal))
            }
            (Self::Set(members), Value::Array(literals)) => {
                let members: Vec<Value> = sorted(members).into_iter().map(Value::from).collect();
                members == *literals
            }
            (Self::Map(map), Value::Map(literals)) => {
                map.len() == literals.len()
                    && map.iter().all(|(key, stored)| literals.get(key).is_some_and(|value| stored.is(value)))
            }
            _ => false,
        }
    }

    /// As apps see it: sets become arrays, texts strings.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Self::String(value) => Json::String(value.clone()),
            Self::Map(map) => {
                let mut out = Map::new();
                for (key, node) in map {
                    out.insert(key.clone(), node.to_json());
                }
                Json::Object(out)
            }
            Self::List(list) => Json::Array(list.iter().map(|(_, node)| node.to_json()).collect()),
            Self::Set(members) => Json::Array(
                sorted(members)
                    .into_iter()
                    .map(|member| match member {
                        SetMember::Bool(value) => Json::Bool(value),
                        SetMember::Int(value) => Json::from(value),
                        SetMember::String(value) => Json::String(value),
                    })
                    .collect(),
            ),
            Self::Text(text) => Json::String(text.visible()),
        }
    }

    /// The canonical encoding. Lists, sets and texts are extensions 1, 2 and 3.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => encoding::nil(out),
            Self::Bool(value) => encoding::bool(out, *value),
            Self::Int(value) => encoding::int(out, *value),
            Self::Float(value) => encoding::float(out, *value),
            Self::String(value) => encoding::str(out, value),
            Self::Map(map) => {
                encoding::map(out, map.len());
                for (key, node) in map {
                    encoding::str(out, key);
                    node.encode(out);
                }
            }
            Self::List(list) => {
                let mut inside = Vec::new();
                encoding::array(&mut inside, list.len());
                for (id, node) in list {
                    encoding::bytes(&mut inside, &id.0);
                    node.encode(&mut inside);
                }
                encoding::extension(out, 1, &inside);
            }
            Self::Set(members) => {
                let mut inside = Vec::new();
                encoding::array(&mut inside, members.len());
                for member in sorted(members) {
                    match member {
                        SetMember::Bool(value) => encoding::bool(&mut inside, value),
                        SetMember::Int(value) => encoding::int(&mut inside, value),
                        SetMember::String(value) => encoding::str(&mut inside, &value),
                    }
                }
                encoding::extension(out, 2, &inside);
            }
            Self::Text(text) => {
                let mut inside = Vec::new();
                text.encode(&mut inside);
                encoding::extension(out, 3, &inside);
            }
        }
    }

    /// Canonical bytes of this value alone.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// The order of a set: truth values, whole numbers, strings, each kind from small to large.
fn sorted(members: &[SetMember]) -> Vec<SetMember> {
    let rank = |member: &SetMember| match member {
        SetMember::Bool(value) => (0, i64::from(*value), Vec::new()),
        SetMember::Int(value) => (1, *value, Vec::new()),
        SetMember::String(value) => (2, 0, value.as_bytes().to_vec()),
    };
    let mut sorted = members.to_vec();
    sorted.sort_by_key(rank);
    sorted
}
