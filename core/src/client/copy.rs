//! A document in another Space: a copy with a life of its own.

use super::collection::Collection;
use super::receipt::Receipt;
use crate::error::Error;
use crate::model::{Action, DocumentKey, Fields, Op, Path, Segment, Value};

impl Collection {
    /// Copies a document as it is visible now into another Space, as one Transaction: lists, sets and
    /// collaborative texts stay what they are there, without their history. `None` when there is no such
    /// document. Works offline; later changes to either are not seen by the other.
    ///
    /// # Errors
    /// As [`Collection`] says of the target; `Invalid` with `rejected` when it has a document of that id.
    pub async fn copy(&self, id: &str, target: &Self, target_id: &str) -> Result<Option<Receipt>, Error> {
        let Some(fields) = self.get(id).await? else { return Ok(None) };
        let key = DocumentKey::new(target.name(), target_id);
        target.space().commit(copy_actions(&key, &fields)).await.map(Some)
    }
}

/// What makes a document like this one.
fn copy_actions(key: &DocumentKey, fields: &Fields) -> Vec<Action> {
    let mut kinds = Vec::new();
    let mut path = Vec::new();
    let literal = Value::Map(literal(fields, &mut path, &mut kinds));
    let ops = std::iter::once(Op::Create { fields: literal }).chain(kinds);
    ops.map(|op| Action { key: key.clone(), op }).collect()
}

/// The literals among the fields; what a literal cannot say is left to operations. Inside of lists it
/// has to: their elements have no ids yet that a path could name.
fn literal(fields: &Fields, path: &mut Vec<Segment>, kinds: &mut Vec<Op>) -> Fields {
    let mut out = Fields::new();
    for (name, value) in fields {
        path.push(Segment::Key(name.clone()));
        match value {
            Value::Text(text) => {
                kinds.push(Op::TextCreate { path: Path(path.clone()), text: text.to_string() });
            }
            Value::Set(members) => kinds.extend(
                members.iter().map(|member| Op::SetAdd { path: Path(path.clone()), member: member.clone() }),
            ),
            Value::Map(map) => {
                let inside = literal(map, path, kinds);
                out.insert(name.clone(), Value::Map(inside));
            }
            other => {
                out.insert(name.clone(), other.plain());
            }
        }
        path.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SetMember, Text};
    use crate::resolver::{FoldContext, resolve};
    use veilfold_wire::MemberNo;

    #[test]
    fn a_copy_has_the_same_kinds() {
        let set = Value::Set([SetMember::Int(3), SetMember::String("x".to_owned())].into());
        let fields: Fields = [
            ("deep".to_owned(), Value::Map([("labels".to_owned(), set.clone())].into())),
            ("note".to_owned(), Value::Text(Text::default())),
            ("qty".to_owned(), Value::Int(1)),
        ]
        .into();
        let mut context = FoldContext {
            author: MemberNo(1),
            position: crate::model::Position { seq: 2, index: 0 },
            time_ms: 0,
            tx_id: crate::model::TxId([1; 8]),
            base_seq: 1,
            elements: 0,
        };
        let mut copy = None;
        for action in copy_actions(&DocumentKey::new("notes", "copy"), &fields) {
            resolve(&mut copy, &action.op, &mut context).unwrap();
        }
        let copy = copy.unwrap();
        assert_eq!(copy["deep"], Value::Map([("labels".to_owned(), set)].into()));
        assert!(matches!(copy["note"], Value::Text(_)));
        assert_eq!(copy["qty"], Value::Int(1));
    }
}
