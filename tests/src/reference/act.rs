//! What each operation makes of one document.
//!
//! Called by `fold.rs` for every Action of a Transaction; works on a copy, so that a rejection leaves
//! nothing behind. Paths are walked by the functions at the foot.

use super::node::{Ids, Node};
use super::text::{Text, Viewer};
use std::collections::BTreeMap;
use veilfold_core::model::{Condition, ElementId, Op, Path, Place, RejectReason, Segment, TextSplice, Value};
use veilfold_core::wire::MemberNo;
use veilfold_core::wire::limits::SEEN_WINDOW;

/// Most bytes of the canonical encoding of a document.
const BYTES_MAX: usize = 1 << 20;
/// Deepest nesting of a document, its own map counted.
const DEPTH_MAX: usize = 32;

/// Who acts, when, and on what it had seen.
pub(super) struct Actor {
    pub(super) author: MemberNo,
    /// Position of the Entry.
    pub(super) seq: u64,
    /// The order up to which the author had folded.
    pub(super) base_seq: u64,
    /// For new list elements.
    pub(super) ids: Ids,
}

/// What an operation makes of a document.
pub(super) enum Change {
    /// It stays as it is, and so does its Version.
    Nothing,
    /// It becomes this; `None` when it is deleted.
    Becomes(Option<Node>),
}

use Change::{Becomes, Nothing};
use RejectReason::{AlreadyExists, ExpectFailed, Overflow, TooLarge, TypeMismatch};

/// Applies one operation to a document, `None` when it does not exist.
pub(super) fn act(document: Option<&Node>, op: &Op, actor: &mut Actor) -> Result<Change, RejectReason> {
    let change = change(document, op, actor)?;
    if let Becomes(Some(after)) = &change
        && (after.depth() > DEPTH_MAX || after.to_bytes().len() > BYTES_MAX)
    {
        return Err(TooLarge);
    }
    Ok(change)
}

fn change(document: Option<&Node>, op: &Op, actor: &mut Actor) -> Result<Change, RejectReason> {
    // A document that does not exist is made by the first operation that changes something in it.
    let mut root = document.cloned().unwrap_or(Node::empty());
    let changed = match op {
        Op::Create { fields } => {
            if document.is_some() {
                return Err(AlreadyExists);
            }
            root = Node::from_literal(fields, &mut actor.ids);
            true
        }
        Op::Delete if document.is_some() => return Ok(Becomes(None)),
        Op::Delete => false,
        Op::Call(_) => unreachable!("the fold asks the collection's own resolver"),
        Op::Expect { path, condition } => {
            if holds(document, path, condition) {
                return Ok(Nothing);
            }
            return Err(ExpectFailed);
        }
        Op::Set { path, value } => {
            check_place(&root, path)?;
            put(&mut root, &path.0, Node::from_literal(value, &mut actor.ids));
            true
        }
        Op::Unset { path } => unset(&mut root, path),
        Op::Merge { path, value: Value::Map(news) } => {
            check_place(&root, path)?;
            let made = document.is_none() || find(&root, &path.0).is_none();
            merge(inside_or(&mut root, path, Node::empty()), news, &mut actor.ids)?;
            made || !news.is_empty()
        }
        Op::Merge { .. } => return Err(TypeMismatch),
        Op::Increment { path, by } => increment(&mut root, path, *by)?,
        Op::ListInsert { path, place, value } => {
            check_place(&root, path)?;
            let Node::List(list) = inside_or(&mut root, path, Node::List(Vec::new())) else {
                return Err(TypeMismatch);
            };
            let id = actor.ids.draw();
            let node = Node::from_literal(value, &mut actor.ids);
            list.insert(index_for(list, place), (id, node));
            true
        }
        Op::ListMove { path, element, place } => match existing(&mut root, path)? {
            None => false,
            Some(Node::List(list)) => move_element(list, element, place),
            Some(_) => return Err(TypeMismatch),
        },
        Op::ListRemove { path, element } => match existing(&mut root, path)? {
            None => false,
            Some(Node::List(list)) => remove_element(list, element),
            Some(_) => return Err(TypeMismatch),
        },
        Op::SetAdd { path, member } => {
            check_place(&root, path)?;
            let Node::Set(members) = inside_or(&mut root, path, Node::Set(Vec::new())) else {
                return Err(TypeMismatch);
            };
            let is_new = !members.contains(member);
            if is_new {
                members.push(member.clone());
            }
            is_new
        }
        Op::SetRemove { path, member } => match existing(&mut root, path)? {
            None => false,
            Some(Node::Set(members)) => {
                let before = members.len();
                members.retain(|other| other != member);
                members.len() < before
            }
            Some(_) => return Err(TypeMismatch),
        },
        Op::TextCreate { path, text } => {
            check_place(&root, path)?;
            put(&mut root, &path.0, Node::Text(Text::new(text, actor.author, actor.seq)));
            true
        }
        Op::TextEdit { path, splices } => edit(&mut root, path, splices, actor)?,
    };
    Ok(if changed { Becomes(Some(root)) } else { Nothing })
}

fn holds(document: Option<&Node>, path: &Path, condition: &Condition) -> bool {
    let found = document.and_then(|root| find(root, &path.0));
    match (found, condition) {
        (found, Condition::Exists) => found.is_some(),
        (found, Condition::Missing) => found.is_none(),
        (Some(node), Condition::Equals(literal)) => node.is(literal),
        (Some(Node::Int(number)), Condition::AtLeast(least)) => number >= least,
        (Some(Node::Int(number)), Condition::AtMost(most)) => number <= most,
        _ => false,
    }
}

fn unset(root: &mut Node, path: &Path) -> bool {
    let Some((last, way)) = path.0.split_last() else { return false };
    match (find_mut(root, way), last) {
        (Some(Node::Map(map)), Segment::Key(key)) => map.remove(key).is_some(),
        (Some(Node::List(list)), Segment::Element(element)) => remove_element(list, element),
        _ => false,
    }
}

fn merge(node: &mut Node, news: &BTreeMap<String, Value>, ids: &mut Ids) -> Result<(), RejectReason> {
    let Node::Map(map) = node else { return Err(TypeMismatch) };
    for (key, new) in news {
        match (map.get_mut(key), new) {
            (Some(old @ Node::Map(_)), Value::Map(news)) => merge(old, news, ids)?,
            _ => {
                map.insert(key.clone(), Node::from_literal(new, ids));
            }
        }
    }
    Ok(())
}

fn increment(root: &mut Node, path: &Path, by: i64) -> Result<bool, RejectReason> {
    check_place(root, path)?;
    if find(root, &path.0).is_none() {
        put(root, &path.0, Node::Int(by));
        return Ok(true);
    }
    let Some(Node::Int(number)) = find_mut(root, &path.0) else { return Err(TypeMismatch) };
    *number = number.checked_add(by).ok_or(Overflow)?;
    Ok(by != 0)
}

/// Where an element is. An author that names two Transactions alike can make two of one id; the first
/// is meant.
fn index_of(list: &[(ElementId, Node)], element: ElementId) -> Option<usize> {
    list.iter().position(|(id, _)| *id == element)
}

fn remove_element(list: &mut Vec<(ElementId, Node)>, element: &ElementId) -> bool {
    match index_of(list, *element) {
        Some(index) => {
            list.remove(index);
            true
        }
        None => false,
    }
}

/// A place beside the element itself is where it already is.
fn move_element(list: &mut Vec<(ElementId, Node)>, element: &ElementId, place: &Place) -> bool {
    let Some(from) = index_of(list, *element) else { return false };
    let beside = place.after.filter(|after| index_of(list, *after).is_some()).or(place.before);
    if beside == Some(*element) {
        return false;
    }
    let moved = list.remove(from);
    let to = index_for(list, place);
    list.insert(to, moved);
    from != to
}

/// After one neighbour if it is still there, else before the other, else at the end; with none named,
/// at the start.
fn index_for(list: &[(ElementId, Node)], place: &Place) -> usize {
    if place.after.is_none() && place.before.is_none() {
        return 0;
    }
    if let Some(index) = place.after.and_then(|after| index_of(list, after)) {
        return index + 1;
    }
    place.before.and_then(|before| index_of(list, before)).unwrap_or(list.len())
}

fn edit(root: &mut Node, path: &Path, splices: &[TextSplice], actor: &Actor) -> Result<bool, RejectReason> {
    check_place(root, path)?;
    let made = find(root, &path.0).is_none();
    if made {
        put(root, &path.0, Node::Text(Text::default()));
    }
    // Where no text may be, nobody asks what the edit would do to it.
    if root.depth() > DEPTH_MAX {
        return Err(TooLarge);
    }
    let Some(Node::Text(text)) = find_mut(root, &path.0) else { return Err(TypeMismatch) };
    let changes = splices.iter().any(|splice| splice.delete > 0 || !splice.insert.is_empty());
    if changes && actor.seq > SEEN_WINDOW {
        text.settle(actor.seq - SEEN_WINDOW);
    }
    let viewer = Viewer { author: actor.author, base_seq: actor.base_seq };
    for splice in splices {
        text.splice(&viewer, actor.seq, splice)?;
    }
    Ok(made || changes)
}

/// What is found on the way to a path.
enum Way {
    /// A value at its end.
    There,
    /// Nothing, and maps can be made on the rest of the way.
    Free,
    /// An element that the list does not have (any more).
    ElementGone,
    /// A value that has no such inside.
    Blocked,
}

fn way(root: &Node, path: &Path) -> Way {
    let mut node = root;
    for (index, segment) in path.0.iter().enumerate() {
        node = match (node, segment) {
            (Node::Map(map), Segment::Key(key)) => match map.get(key) {
                Some(inner) => inner,
                None if path.0[index..].iter().all(|rest| matches!(rest, Segment::Key(_))) => {
                    return Way::Free;
                }
                None => return Way::ElementGone,
            },
            (Node::List(list), Segment::Element(element)) => {
                match list.iter().find(|(id, _)| id == element) {
                    Some((_, inner)) => inner,
                    None => return Way::ElementGone,
                }
            }
            _ => return Way::Blocked,
        };
    }
    Way::There
}

/// A value can be put at the path, or is there already.
fn check_place(root: &Node, path: &Path) -> Result<(), RejectReason> {
    match way(root, path) {
        Way::There | Way::Free => Ok(()),
        Way::ElementGone | Way::Blocked => Err(TypeMismatch),
    }
}

/// What is at the path, for operations to which nothing happens when it is gone.
fn existing<'a>(root: &'a mut Node, path: &Path) -> Result<Option<&'a mut Node>, RejectReason> {
    match way(root, path) {
        Way::There => Ok(find_mut(root, &path.0)),
        Way::Free | Way::ElementGone => Ok(None),
        Way::Blocked => Err(TypeMismatch),
    }
}

/// What is at the path, or `new`, put there.
fn inside_or<'a>(root: &'a mut Node, path: &Path, new: Node) -> &'a mut Node {
    if find(root, &path.0).is_none() {
        put(root, &path.0, new);
    }
    match find_mut(root, &path.0) {
        Some(node) => node,
        None => unreachable!("the place was checked and filled"),
    }
}

/// The value at a path; the empty path is the whole document.
pub(super) fn find<'a>(root: &'a Node, path: &[Segment]) -> Option<&'a Node> {
    let Some((segment, rest)) = path.split_first() else { return Some(root) };
    let inner = match (root, segment) {
        (Node::Map(map), Segment::Key(key)) => map.get(key),
        (Node::List(list), Segment::Element(element)) => {
            list.iter().find(|(id, _)| id == element).map(|(_, node)| node)
        }
        _ => None,
    };
    find(inner?, rest)
}

fn find_mut<'a>(root: &'a mut Node, path: &[Segment]) -> Option<&'a mut Node> {
    let Some((segment, rest)) = path.split_first() else { return Some(root) };
    let inner = match (root, segment) {
        (Node::Map(map), Segment::Key(key)) => map.get_mut(key),
        (Node::List(list), Segment::Element(element)) => {
            list.iter_mut().find(|(id, _)| id == element).map(|(_, node)| node)
        }
        _ => None,
    };
    find_mut(inner?, rest)
}

/// Puts a value at a path that was checked, making the maps on the way.
fn put(root: &mut Node, path: &[Segment], value: Node) {
    let Some((segment, rest)) = path.split_first() else {
        *root = value;
        return;
    };
    match (root, segment) {
        (Node::Map(map), Segment::Key(key)) => {
            put(map.entry(key.clone()).or_insert(Node::empty()), rest, value);
        }
        (Node::List(list), Segment::Element(element)) => {
            if let Some((_, inner)) = list.iter_mut().find(|(id, _)| id == element) {
                put(inner, rest, value);
            }
        }
        _ => unreachable!("the place was checked"),
    }
}
