//! The resolver of the simulations' `tickets`, as the reference model understands it: JSON in, JSON out.

use serde_json::{Value as Json, json};
use veilfold_core::model::{CallOp, Position, RejectReason};
use veilfold_core::wire::MemberNo;

/// A document of version 1, which always says what is left, as one of version 2.
pub(super) fn second(mut tickets: Json) -> Json {
    tickets["free"] = tickets["left"].take();
    tickets.as_object_mut().map(|fields| fields.remove("left"));
    tickets
}

/// What a call makes of a document of that format; the second part of an error is the resolver's text.
pub(super) fn called(
    before: Option<Json>,
    format: u64,
    call: &CallOp,
    author: MemberNo,
    position: Position,
) -> Result<Option<Json>, (RejectReason, Option<&'static str>)> {
    let no = |text| Err((RejectReason::RefusedByResolver, Some(text)));
    let version = call.version.max(format);
    let free = if version == 1 { "left" } else { "free" };
    let mut tickets = before.unwrap_or_else(|| json!({ free: 3 }));
    if version == 2 && format == 1 {
        tickets = second(tickets);
    }
    let own = format!("of {}", author.0);
    let bought = tickets[&own].as_i64().unwrap_or(0);
    match &*call.name {
        "buy" => {
            if tickets[free] == json!(0) {
                return no("sold out");
            }
            if version == 2 && bought > 1 {
                return no("enough for one");
            }
            tickets[free] = json!(tickets[free].as_i64().unwrap_or(0) - 1);
            tickets[&own] = json!(bought + 1);
        }
        "give back" => {
            if bought == 0 {
                return no("nothing to give back");
            }
            tickets[free] = json!(tickets[free].as_i64().unwrap_or(0) + 1);
            tickets[&own] = json!(bought - 1);
        }
        "close" => return Ok(None),
        "note" => tickets["noted"] = json!(position.seq),
        "break" => return Err((RejectReason::ResolverFailed, None)),
        _ => return no("no such call"),
    }
    Ok(Some(tickets))
}
