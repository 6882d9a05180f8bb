//! Walking a path: through maps by key and through lists by element id.
//!
//! Called by the resolvers beside it. Nothing is changed by looking; maps on the way are made by
//! [`Vacant::put`], which cannot fail.

use crate::gather::gather;
use crate::model::{ElementId, Fields, List, RejectReason, Segment, Value};

/// What is at a path.
pub(super) enum Spot<'a> {
    /// A value.
    There(&'a mut Value),
    /// Nothing yet, and a value can be put there.
    Vacant(Vacant<'a>),
}

/// A place that takes a value, making the maps on the way to it.
pub(super) struct Vacant<'a> {
    map: &'a mut Fields,
    key: &'a str,
    inner: &'a [Segment],
}

/// Why nothing can be put at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// The path leads through an element that is gone.
    ElementGone,
    /// The path leads into a value that has no such inside.
    WrongType,
}

impl From<Blocked> for RejectReason {
    fn from(_: Blocked) -> Self {
        Self::TypeMismatch
    }
}

impl Vacant<'_> {
    /// Puts the value.
    pub(super) fn put(self, value: Value) {
        let wrapped = self.inner.iter().rev().fold(value, |value, segment| match segment {
            Segment::Key(key) => Value::Map(gather([(key.clone(), value)])),
            Segment::Element(_) => unreachable!("a vacant place is reached by keys alone"),
        });
        self.map.insert(self.key.to_owned(), wrapped);
    }
}

/// The place at a path that is not empty.
///
/// # Errors
/// [`Blocked`], also for the empty path: no single value is there.
pub(super) fn spot<'a>(fields: &'a mut Fields, path: &'a [Segment]) -> Result<Spot<'a>, Blocked> {
    let Some((Segment::Key(key), rest)) = path.split_first() else {
        return Err(Blocked::WrongType);
    };
    if fields.contains_key(key) {
        return match fields.get_mut(key) {
            Some(value) => inside(value, rest),
            None => Err(Blocked::WrongType),
        };
    }
    if rest.iter().all(|segment| matches!(segment, Segment::Key(_))) {
        Ok(Spot::Vacant(Vacant { map: fields, key, inner: rest }))
    } else {
        Err(Blocked::ElementGone)
    }
}

fn inside<'a>(value: &'a mut Value, path: &'a [Segment]) -> Result<Spot<'a>, Blocked> {
    let Some((segment, rest)) = path.split_first() else {
        return Ok(Spot::There(value));
    };
    match (value, segment) {
        (Value::Map(map), Segment::Key(_)) => spot(map, path),
        (Value::List(list), Segment::Element(id)) => match index_of(list, id) {
            Some(index) => inside(&mut list[index].1, rest),
            None => Err(Blocked::ElementGone),
        },
        _ => Err(Blocked::WrongType),
    }
}

/// The value at a path that is not empty; `None` when nothing is there.
pub(super) fn find<'a>(fields: &'a Fields, path: &[Segment]) -> Option<&'a Value> {
    let (Segment::Key(key), rest) = path.split_first()? else {
        return None;
    };
    rest.iter().try_fold(fields.get(key)?, |value, segment| match (value, segment) {
        (Value::Map(map), Segment::Key(key)) => map.get(key),
        (Value::List(list), Segment::Element(id)) => index_of(list, id).map(|index| &list[index].1),
        _ => None,
    })
}

/// Where an element is in its list.
pub(super) fn index_of(list: &List, id: &ElementId) -> Option<usize> {
    list.iter().position(|(element, _)| element == id)
}
