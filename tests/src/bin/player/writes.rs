//! Writes as scripts name them.

use super::typed::value;
use super::{text, wrong};
use serde_json::Value as Json;
use veilfold_core::Error;
use veilfold_core::client::END;
use veilfold_core::model::{
    Action, Condition, DocumentKey, ElementId, Op, Path, Place, SetMember, TextSplice, Value,
};

/// One Action.
pub fn action(order: &Json) -> Result<Action, Error> {
    Ok(Action { key: DocumentKey::new(text(order, "collection")?, text(order, "id")?), op: op(order)? })
}

/// A condition on the document that the Transaction reads.
pub fn expect(collection: &str, id: &str, order: &Json) -> Result<Action, Error> {
    let bound = || order["value"].is_object().then(|| value(&order["value"])).transpose();
    let number = || match bound()? {
        Some(Value::Int(number)) => Ok(number),
        _ => Err(wrong("value")),
    };
    let condition = match text(order, "is")? {
        "exists" => Condition::Exists,
        "missing" => Condition::Missing,
        "equals" => Condition::Equals(value(&order["value"])?),
        "at_least" => Condition::AtLeast(number()?),
        "at_most" => Condition::AtMost(number()?),
        other => return Err(wrong(other)),
    };
    Ok(Action { key: DocumentKey::new(collection, id), op: Op::Expect { path: path(order)?, condition } })
}

fn path(order: &Json) -> Result<Path, Error> {
    Path::parse(order["path"].as_str().unwrap_or_default()).map_err(|_| wrong("path"))
}

fn op(order: &Json) -> Result<Op, Error> {
    let given = || value(&order["value"]);
    let member = || SetMember::from_value(&given()?).ok_or_else(|| wrong("value"));
    Ok(match text(order, "call")? {
        "create" => Op::Create { fields: value(&order["document"])? },
        "put" => Op::Set { path: Path::default(), value: value(&order["document"])? },
        "merge" => Op::Merge { path: path(order)?, value: value(&order["document"])? },
        "set" => Op::Set { path: path(order)?, value: given()? },
        "unset" => Op::Unset { path: path(order)? },
        "increment" => {
            Op::Increment { path: path(order)?, by: order["by"].as_i64().ok_or_else(|| wrong("by"))? }
        }
        "delete" => Op::Delete,
        "list_append" => Op::ListInsert { path: path(order)?, place: END, value: given()? },
        "list_insert" => Op::ListInsert { path: path(order)?, place: place(order)?, value: given()? },
        "list_move" => Op::ListMove { path: path(order)?, element: element(order)?, place: place(order)? },
        "list_remove" => Op::ListRemove { path: path(order)?, element: element(order)? },
        "set_add" => Op::SetAdd { path: path(order)?, member: member()? },
        "set_remove" => Op::SetRemove { path: path(order)?, member: member()? },
        "text_create" => Op::TextCreate { path: path(order)?, text: text(order, "text")?.to_owned() },
        "text_edit" => {
            let splices: Vec<(u64, u64, String)> =
                serde_json::from_value(order["splices"].clone()).map_err(|_| wrong("splices"))?;
            let splice = |(offset, delete, insert)| TextSplice { offset, delete, insert };
            Op::TextEdit { path: path(order)?, splices: splices.into_iter().map(splice).collect() }
        }
        other => return Err(wrong(other)),
    })
}

fn element(order: &Json) -> Result<ElementId, Error> {
    text(order, "element")?.parse().map_err(|_| wrong("element"))
}

fn place(order: &Json) -> Result<Place, Error> {
    let side = |field: &str| order[field].as_str().map(|id| id.parse().map_err(|_| wrong(field))).transpose();
    Ok(Place { after: side("after")?, before: side("before")? })
}
