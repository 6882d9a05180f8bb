//! A JSON-like value, with the three kinds that merge: lists with element ids, sets, texts.
//!
//! Literals in an Action are written with [`Value::Array`]; a resolver turns them into
//! [`Value::List`] when it stores them, so that every stored element has an id.

use super::encoding::{BodyError, DEPTH_MAX, Decoder, Encoder};
use super::path::{ElementId, KEY_BYTES_MAX};
use super::text::Text;
use crate::gather::gather;
use rmp::Marker;
use std::collections::{BTreeMap, BTreeSet};

const EXT_LIST: i8 = 1;
const EXT_SET: i8 = 2;
const EXT_TEXT: i8 = 3;

/// Any value inside a document.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, on purpose.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with all its bits; never NaN or infinite.
    Float(f64),
    /// A string, kept byte for byte.
    String(String),
    /// A literal list, as an Action carries it.
    Array(Vec<Value>),
    /// A map, in byte order of its keys.
    Map(BTreeMap<String, Value>),
    /// A stored list, whose elements keep their ids.
    List(List),
    /// A set of scalars; adding and removing commute.
    Set(BTreeSet<SetMember>),
    /// A text that several people edit at once.
    Text(Text),
}

/// The elements of a stored list in order.
pub type List = Vec<(ElementId, Value)>;

/// What a set may contain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetMember {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A string.
    String(String),
}

/// Bit equality: 1.0 is not 1, -0.0 is not 0.0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<SetMember> for Value {
    fn from(member: SetMember) -> Self {
        match member {
            SetMember::Bool(value) => Self::Bool(value),
            SetMember::Int(value) => Self::Int(value),
            SetMember::String(value) => Self::String(value),
        }
    }
}

impl SetMember {
    /// The scalar as a set member; `None` for what a set cannot hold.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Int(*value)),
            Value::String(value) => Some(Self::String(value.clone())),
            _ => None,
        }
    }
}

impl Value {
    /// Writes the canonical encoding.
    pub fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Null => out.nil(),
            Self::Bool(value) => out.bool(*value),
            Self::Int(value) => out.int(*value),
            Self::Float(value) => out.float(*value),
            Self::String(value) => out.str(value),
            Self::Array(values) => {
                out.array(values.len());
                values.iter().for_each(|value| value.encode(out));
            }
            Self::Map(map) => encode_map(map, out),
            Self::List(list) => out.extension(EXT_LIST, |out| {
                out.array(list.len());
                for (id, value) in list {
                    out.bytes(&id.0);
                    value.encode(out);
                }
            }),
            Self::Set(members) => out.extension(EXT_SET, |out| {
                out.array(members.len());
                members.iter().for_each(|member| Self::from(member.clone()).encode(out));
            }),
            Self::Text(text) => out.extension(EXT_TEXT, |out| text.encode(out)),
        }
    }

    /// Reads any value.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(match input.peek("value")? {
            Marker::Null => {
                input.nil("value")?;
                Self::Null
            }
            Marker::True | Marker::False => Self::Bool(input.bool("value")?),
            Marker::F64 => {
                let value = input.float("value")?;
                if !value.is_finite() {
                    return Err(BodyError::Unknown { field: "float" });
                }
                Self::Float(value)
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                Self::String(input.str(usize::MAX, "value")?.to_owned())
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => input.nested(|input| {
                let len = input.array(usize::MAX, "array")?;
                (0..len).map(|_| Self::decode(input)).collect::<Result<_, _>>().map(Self::Array)
            })?,
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                input.nested(|input| decode_map(input).map(Self::Map))?
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => input.nested(decode_extension)?,
            _ => Self::Int(input.int("value")?),
        })
    }

    /// The value as JSON would show it, a literal: lists and sets as arrays, texts as strings.
    pub fn plain(&self) -> Self {
        match self {
            Self::Array(values) => Self::Array(values.iter().map(Self::plain).collect()),
            Self::Map(map) => Self::Map(gather(map.iter().map(|(key, value)| (key.clone(), value.plain())))),
            Self::List(list) => Self::Array(list.iter().map(|(_, value)| value.plain()).collect()),
            Self::Set(members) => Self::Array(members.iter().cloned().map(Self::from).collect()),
            Self::Text(text) => Self::String(text.to_string()),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => self.clone(),
        }
    }

    /// Deepest nesting below and including this value; scalars are 0.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(values) => 1 + values.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(map) => 1 + map.values().map(Self::depth).max().unwrap_or(0),
            Self::List(list) => 1 + list.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::Set(_) | Self::Text(_) => 1,
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => 0,
        }
    }

    /// True for what an Action may carry: JSON without the kinds that only resolvers make, finite
    /// floats, keys and nesting within their limits.
    pub fn is_literal(&self) -> bool {
        fn within(value: &Value) -> bool {
            match value {
                Value::Float(value) => value.is_finite(),
                Value::Array(values) => values.iter().all(within),
                Value::Map(map) => map.iter().all(|(key, value)| key.len() <= KEY_BYTES_MAX && within(value)),
                Value::List(_) | Value::Set(_) | Value::Text(_) => false,
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::String(_) => true,
            }
        }
        self.depth() < DEPTH_MAX && within(self)
    }
}

pub(super) fn encode_map(map: &BTreeMap<String, Value>, out: &mut Encoder) {
    out.map(map.len());
    for (key, value) in map {
        out.str(key);
        value.encode(out);
    }
}

pub(super) fn decode_map(input: &mut Decoder<'_>) -> Result<BTreeMap<String, Value>, BodyError> {
    let len = input.map(usize::MAX, "map")?;
    let mut map = BTreeMap::new();
    for _ in 0..len {
        let key = input.str(KEY_BYTES_MAX, "map.key")?.to_owned();
        map.insert(key, Value::decode(input)?);
    }
    Ok(map)
}

fn decode_extension(input: &mut Decoder<'_>) -> Result<Value, BodyError> {
    let (kind, mut inside) = input.extension("value")?;
    let value = match kind {
        EXT_LIST => {
            let len = inside.array(usize::MAX, "list")?;
            let mut list = List::with_capacity(len.min(1024));
            for _ in 0..len {
                list.push((ElementId(inside.exact("list.id")?), Value::decode(&mut inside)?));
            }
            Value::List(list)
        }
        EXT_SET => {
            let len = inside.array(usize::MAX, "set")?;
            let mut set = BTreeSet::new();
            for _ in 0..len {
                let member = SetMember::from_value(&Value::decode(&mut inside)?)
                    .ok_or(BodyError::WrongType { field: "set.member" })?;
                set.insert(member);
            }
            Value::Set(set)
        }
        EXT_TEXT => Value::Text(Text::decode(&mut inside)?),
        _ => return Err(BodyError::Unknown { field: "extension" }),
    };
    inside.end()?;
    Ok(value)
}
