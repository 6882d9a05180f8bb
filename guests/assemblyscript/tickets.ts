//! Tickets of which there are three, and nobody gets a third one. Version 2: version 1 called `left`
//! what is now `free`.
//!
//! Built by `cargo xtask guests`. The same in other languages: guests/rust/examples and guests/zig.

import { Call, Fields, Older, Value, deleted, refused } from "./veilfold";

export { veilfold_alloc } from "./veilfold";

export function veilfold_resolve(at: usize, len: usize): u64 {
  const call = new Call(at, len);
  const state = call.state || new Fields();
  if (!call.state) state.set("free", Value.int(3));
  const buyer = "of " + call.author.toString();
  const free = state.int("free");
  const own = state.int(buyer);
  if (call.name == "buy") {
    if (free == 0) return refused("sold out");
    if (own >= 2) return refused("enough for one");
    state.set("free", Value.int(free - 1));
    state.set(buyer, Value.int(own + 1));
  } else if (call.name == "give back") {
    if (own == 0) return refused("nothing to give back");
    state.set("free", Value.int(free + 1));
    state.set(buyer, Value.int(own - 1));
  } else if (call.name == "close") {
    return deleted();
  } else if (call.name == "note") {
    // For tests: a result that depends on the place in the order, and a bug.
    state.set("noted", Value.int(call.pending ? -1 : call.seq));
  } else if (call.name == "break") {
    unreachable();
  } else {
    return refused("no such call");
  }
  return state.accept();
}

export function veilfold_migrate(at: usize, len: usize): u64 {
  const older = new Older(at, len);
  const values = older.state.values;
  if (!values.has("left")) return refused("what is left is missing");
  values.set("free", values.get("left"));
  values.delete("left");
  return older.state.accept();
}
