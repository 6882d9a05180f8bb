//! Questions and answers of Veilfold for resolvers in Zig.
//!
//! A value that the resolver does not look into stays the bytes it came as. Nothing is ever freed: every
//! call gets a fresh instance. docs/protocol/wasm.md describes the bytes.

const std = @import("std");

/// What a resolver asks its memory from.
pub const memory = std.heap.wasm_allocator;

pub const Error = error{ OutOfMemory, NotAQuestion };

/// An Action of the app's own.
pub const Call = struct {
    /// What to do, in the app's words.
    name: []const u8,
    /// With what.
    args: Value,
    /// The document's id.
    document: []const u8,
    /// The resolver version that its writer wrote it for.
    version: u64,
    /// Number of the Member who wrote it.
    author: u64,
    /// Its place in the order, null while it is only pending on this device.
    position: ?struct { seq: u64, index: u64 },
    /// The writer's clock in milliseconds since 1970, as claimed.
    time_ms: u64,
};

/// The document afterwards, null to delete it; or a text for whoever wrote the Action.
pub const Answer = union(enum) { document: ?Fields, refusal: []const u8 };

/// Any value as MessagePack.
pub const Value = struct {
    bytes: []const u8,

    pub fn int(number: i64) Error!Value {
        var out: Writer = .{};
        try out.int(number);
        return .{ .bytes = out.bytes.items };
    }

    /// The whole number, or 0 for anything else.
    pub fn toInt(value: Value) i64 {
        var input: Reader = .{ .rest = value.bytes };
        return input.int() catch 0;
    }
};

/// A document.
pub const Fields = struct {
    all: std.ArrayList(struct { name: []const u8, value: Value }) = .empty,

    fn find(fields: Fields, name: []const u8) ?usize {
        for (fields.all.items, 0..) |field, at| if (std.mem.eql(u8, field.name, name)) return at;
        return null;
    }

    /// The whole number of that name, or 0.
    pub fn int(fields: Fields, name: []const u8) i64 {
        return if (fields.find(name)) |at| fields.all.items[at].value.toInt() else 0;
    }

    pub fn put(fields: *Fields, name: []const u8, value: Value) Error!void {
        if (fields.find(name)) |at| {
            fields.all.items[at].value = value;
        } else try fields.all.append(memory, .{ .name = name, .value = value });
    }

    pub fn remove(fields: *Fields, name: []const u8) ?Value {
        return fields.all.swapRemove(fields.find(name) orelse return null).value;
    }
};

/// Makes a module of functions `resolve` and `migrate`.
pub fn exportResolver(comptime Resolver: type) void {
    const exports = struct {
        fn alloc(len: usize) callconv(.c) ?[*]u8 {
            return (memory.alloc(u8, len) catch @trap()).ptr;
        }
        fn resolve(at: [*]const u8, len: usize) callconv(.c) u64 {
            return answered(resolved(Resolver, at[0..len]));
        }
        fn migrate(at: [*]const u8, len: usize) callconv(.c) u64 {
            return answered(migrated(Resolver, at[0..len]));
        }
    };
    @export(&exports.alloc, .{ .name = "veilfold_alloc" });
    @export(&exports.resolve, .{ .name = "veilfold_resolve" });
    @export(&exports.migrate, .{ .name = "veilfold_migrate" });
}

fn resolved(comptime Resolver: type, question: []const u8) Error!Answer {
    var input: Reader = .{ .rest = question };
    if (try input.array() != 8) return error.NotAQuestion;
    const state: ?Fields = if (input.nil()) null else try input.fields();
    return Resolver.resolve(state, .{
        .name = try input.text(),
        .args = try input.value(),
        .document = try input.text(),
        .version = try input.uint(),
        .author = try input.uint(),
        .position = if (input.nil()) null else place: {
            if (try input.array() != 2) return error.NotAQuestion;
            break :place .{ .seq = try input.uint(), .index = try input.uint() };
        },
        .time_ms = try input.uint(),
    });
}

fn migrated(comptime Resolver: type, question: []const u8) Error!Answer {
    var input: Reader = .{ .rest = question };
    if (try input.array() != 2) return error.NotAQuestion;
    const from = try input.uint();
    return Resolver.migrate(from, try input.fields());
}

/// Where the answer lies, and its length. An error stops the module.
fn answered(answer: Error!Answer) u64 {
    var out: Writer = .{};
    out.answer(answer catch @trap()) catch @trap();
    return @as(u64, @intFromPtr(out.bytes.items.ptr)) << 32 | out.bytes.items.len;
}

/// Reads MessagePack.
pub const Reader = struct {
    rest: []const u8,

    fn take(input: *Reader, len: usize) Error![]const u8 {
        if (len > input.rest.len) return error.NotAQuestion;
        defer input.rest = input.rest[len..];
        return input.rest[0..len];
    }

    fn peek(input: *Reader) Error!u8 {
        return if (input.rest.len > 0) input.rest[0] else error.NotAQuestion;
    }

    fn byte(input: *Reader) Error!u8 {
        return (try input.take(1))[0];
    }

    /// A number of so many bytes, most significant first.
    fn number(input: *Reader, comptime Number: type) Error!Number {
        return std.mem.readInt(Number, (try input.take(@sizeOf(Number)))[0..@sizeOf(Number)], .big);
    }

    /// Reads a null if there is one.
    pub fn nil(input: *Reader) bool {
        if (input.rest.len == 0 or input.rest[0] != 0xc0) return false;
        input.rest = input.rest[1..];
        return true;
    }

    pub fn int(input: *Reader) Error!i64 {
        const marker = try input.byte();
        return switch (marker) {
            0x00...0x7f, 0xe0...0xff => @as(i8, @bitCast(marker)),
            0xcc => try input.number(u8),
            0xcd => try input.number(u16),
            0xce => try input.number(u32),
            0xcf, 0xd3 => try input.number(i64),
            0xd0 => try input.number(i8),
            0xd1 => try input.number(i16),
            0xd2 => try input.number(i32),
            else => error.NotAQuestion,
        };
    }

    pub fn uint(input: *Reader) Error!u64 {
        return @bitCast(try input.int());
    }

    pub fn array(input: *Reader) Error!usize {
        const marker = try input.byte();
        return switch (marker) {
            0x90...0x9f => marker & 0x0f,
            0xdc => try input.number(u16),
            0xdd => try input.number(u32),
            else => error.NotAQuestion,
        };
    }

    pub fn map(input: *Reader) Error!usize {
        const marker = try input.byte();
        return switch (marker) {
            0x80...0x8f => marker & 0x0f,
            0xde => try input.number(u16),
            0xdf => try input.number(u32),
            else => error.NotAQuestion,
        };
    }

    pub fn text(input: *Reader) Error![]const u8 {
        const marker = try input.byte();
        return input.take(switch (marker) {
            0xa0...0xbf => marker & 0x1f,
            0xd9 => try input.number(u8),
            0xda => try input.number(u16),
            0xdb => try input.number(u32),
            else => return error.NotAQuestion,
        });
    }

    pub fn fields(input: *Reader) Error!Fields {
        var read: Fields = .{};
        for (0..try input.map()) |_| try read.put(try input.text(), try input.value());
        return read;
    }

    pub fn value(input: *Reader) Error!Value {
        const before = input.rest;
        try input.skip();
        return .{ .bytes = before[0 .. before.len - input.rest.len] };
    }

    fn skip(input: *Reader) Error!void {
        switch (try input.peek()) {
            0xc0, 0xc2, 0xc3 => _ = try input.byte(),
            0xcb => _ = try input.take(9),
            0x80...0x8f, 0xde, 0xdf => for (0..2 * try input.map()) |_| try input.skip(),
            0x90...0x9f, 0xdc, 0xdd => for (0..try input.array()) |_| try input.skip(),
            0xa0...0xbf, 0xd9...0xdb => _ = try input.text(),
            else => _ = try input.int(),
        }
    }
};

/// Writes MessagePack in its shortest form.
pub const Writer = struct {
    bytes: std.ArrayList(u8) = .empty,

    fn byte(out: *Writer, one: u8) Error!void {
        try out.bytes.append(memory, one);
    }

    fn marked(out: *Writer, marker: u8, comptime Number: type, number: Number) Error!void {
        try out.byte(marker);
        var bytes: [@sizeOf(Number)]u8 = undefined;
        std.mem.writeInt(Number, &bytes, number, .big);
        try out.bytes.appendSlice(memory, &bytes);
    }

    pub fn int(out: *Writer, number: i64) Error!void {
        switch (number) {
            -0x20...0x7f => try out.byte(@bitCast(@as(i8, @intCast(number)))),
            0x80...0xff => try out.marked(0xcc, u8, @intCast(number)),
            0x100...0xffff => try out.marked(0xcd, u16, @intCast(number)),
            0x1_0000...0xffff_ffff => try out.marked(0xce, u32, @intCast(number)),
            0x1_0000_0000...std.math.maxInt(i64) => try out.marked(0xcf, i64, number),
            -0x80...-0x21 => try out.marked(0xd0, i8, @intCast(number)),
            -0x8000...-0x81 => try out.marked(0xd1, i16, @intCast(number)),
            -0x8000_0000...-0x8001 => try out.marked(0xd2, i32, @intCast(number)),
            else => try out.marked(0xd3, i64, number),
        }
    }

    pub fn map(out: *Writer, len: usize) Error!void {
        switch (len) {
            0...15 => try out.byte(0x80 | @as(u8, @intCast(len))),
            16...0xffff => try out.marked(0xde, u16, @intCast(len)),
            else => try out.marked(0xdf, u32, len),
        }
    }

    pub fn text(out: *Writer, bytes: []const u8) Error!void {
        switch (bytes.len) {
            0...31 => try out.byte(0xa0 | @as(u8, @intCast(bytes.len))),
            32...0xff => try out.marked(0xd9, u8, @intCast(bytes.len)),
            0x100...0xffff => try out.marked(0xda, u16, @intCast(bytes.len)),
            else => try out.marked(0xdb, u32, bytes.len),
        }
        try out.bytes.appendSlice(memory, bytes);
    }

    fn answer(out: *Writer, said: Answer) Error!void {
        try out.byte(0x92);
        switch (said) {
            .document => |document| {
                try out.byte(0);
                const fields = document orelse return out.byte(0xc0);
                try out.map(fields.all.items.len);
                for (fields.all.items) |field| {
                    try out.text(field.name);
                    try out.bytes.appendSlice(memory, field.value.bytes);
                }
            },
            .refusal => |words| {
                try out.byte(1);
                try out.text(words);
            },
        }
    }
};
