//! Tickets of which there are three, and nobody gets a third one. Version 2: version 1 called `left`
//! what is now `free`.
//!
//! Built by `cargo xtask guests`. The same in other languages: guests/rust/examples and guests/assemblyscript.

const std = @import("std");
const veilfold = @import("veilfold.zig");
const Answer = veilfold.Answer;
const Fields = veilfold.Fields;
const Value = veilfold.Value;

comptime {
    veilfold.exportResolver(@This());
}

pub fn resolve(before: ?Fields, call: veilfold.Call) veilfold.Error!Answer {
    var state = before orelse Fields{};
    if (before == null) try state.put("free", try Value.int(3));
    const buyer = try std.fmt.allocPrint(veilfold.memory, "of {d}", .{call.author});
    const free = state.int("free");
    const own = state.int(buyer);
    if (std.mem.eql(u8, call.name, "buy")) {
        if (free == 0) return .{ .refusal = "sold out" };
        if (own >= 2) return .{ .refusal = "enough for one" };
        try state.put("free", try Value.int(free - 1));
        try state.put(buyer, try Value.int(own + 1));
    } else if (std.mem.eql(u8, call.name, "give back")) {
        if (own == 0) return .{ .refusal = "nothing to give back" };
        try state.put("free", try Value.int(free + 1));
        try state.put(buyer, try Value.int(own - 1));
    } else if (std.mem.eql(u8, call.name, "close")) {
        return .{ .document = null };
    } else if (std.mem.eql(u8, call.name, "note")) {
        // For tests: a result that depends on the place in the order, and a bug.
        try state.put("noted", try Value.int(if (call.position) |at| @intCast(at.seq) else -1));
    } else if (std.mem.eql(u8, call.name, "break")) {
        @trap();
    } else {
        return .{ .refusal = "no such call" };
    }
    return .{ .document = state };
}

pub fn migrate(_: u64, before: Fields) veilfold.Error!Answer {
    var state = before;
    const left = state.remove("left") orelse return .{ .refusal = "what is left is missing" };
    try state.put("free", left);
    return .{ .document = state };
}
