import Foundation

/// The operations, for collections (each its own write) and transactions (several in one), as the generated
/// layer reads them.
enum Action {
    static func whole(_ op: String, _ key: DocumentKey, _ document: Value) -> Value {
        make(op, key, ["value": document])
    }

    static func call(_ key: DocumentKey, _ name: String, _ arguments: Value) -> Value {
        make("call", key, ["name": .string(name), "value": arguments])
    }

    static func set(_ key: DocumentKey, _ path: FieldPath, _ value: Value) -> Value {
        make("set", key, ["path": path.json, "value": value])
    }

    static func unset(_ key: DocumentKey, _ path: FieldPath) -> Value {
        make("unset", key, ["path": path.json])
    }

    static func merge(_ key: DocumentKey, _ path: FieldPath, _ fields: Value) -> Value {
        make("merge", key, ["path": path.json, "value": fields])
    }

    static func increment(_ key: DocumentKey, _ path: FieldPath, _ by: Int64) -> Value {
        make("increment", key, ["path": path.json, "by": .int(by)])
    }

    static func delete(_ key: DocumentKey) -> Value {
        make("delete", key, [:])
    }

    static func listAppend(_ key: DocumentKey, _ path: FieldPath, _ value: Value) -> Value {
        make("list_append", key, ["path": path.json, "value": value])
    }

    static func listInsert(
        _ key: DocumentKey, _ path: FieldPath, _ value: Value, _ after: String?, _ before: String?
    ) -> Value {
        make("list_insert", key, place(after, before, ["path": path.json, "value": value]))
    }

    static func listMove(
        _ key: DocumentKey, _ path: FieldPath, _ element: String, _ after: String?, _ before: String?
    ) -> Value {
        make("list_move", key, place(after, before, ["path": path.json, "element": .string(element)]))
    }

    static func listRemove(_ key: DocumentKey, _ path: FieldPath, _ element: String) -> Value {
        make("list_remove", key, ["path": path.json, "element": .string(element)])
    }

    static func setAdd(_ key: DocumentKey, _ path: FieldPath, _ member: Value) -> Value {
        make("set_add", key, ["path": path.json, "value": member])
    }

    static func setRemove(_ key: DocumentKey, _ path: FieldPath, _ member: Value) -> Value {
        make("set_remove", key, ["path": path.json, "value": member])
    }

    static func textCreate(_ key: DocumentKey, _ path: FieldPath, _ text: String) -> Value {
        make("text_create", key, ["path": path.json, "text": .string(text)])
    }

    static func textEdit(_ key: DocumentKey, _ path: FieldPath, _ splices: [Splice]) -> Value {
        make("text_edit", key, ["path": path.json, "splices": .array(splices.map(\.json))])
    }

    static func expect(_ key: DocumentKey, _ path: FieldPath, _ condition: Condition) -> Value {
        var rest = condition.json
        rest["path"] = path.json
        return make("expect", key, rest)
    }

    /// The text of one action, as a list.
    static func data(_ action: Value) throws(VeilfoldError) -> Data {
        try JSONWriter.data(.array([action]))
    }

    private static func make(_ op: String, _ key: DocumentKey, _ rest: Value.Object) -> Value {
        var action = rest
        action["op"] = .string(op)
        action["collection"] = .string(key.collection)
        action["id"] = .string(key.id)
        return .object(action)
    }

    private static func place(_ after: String?, _ before: String?, _ rest: Value.Object) -> Value.Object {
        var action = rest
        action["after"] = after.map(Value.string)
        action["before"] = before.map(Value.string)
        return action
    }
}

/// A change in a collaborative text. Offsets and counts are in Unicode scalars, as
/// `text.unicodeScalars` counts them.
public struct Splice: Sendable, Hashable {
    public let offset: Int
    /// How many to delete there.
    public let delete: Int
    /// What to insert there.
    public let insert: String

    public init(at offset: Int, delete: Int = 0, insert: String = "") {
        self.offset = offset
        self.delete = delete
        self.insert = insert
    }

    var json: Value { [.int(Int64(offset)), .int(Int64(delete)), .string(insert)] }
}

/// What ``Transaction/expect(_:_:_:_:)`` asks of the order.
public enum Condition: Sendable, Hashable {
    /// There is something.
    case exists
    /// There is nothing.
    case missing
    /// This value is there.
    case equals(Value)
    /// A whole number is there that is not less.
    case atLeast(Int64)
    /// A whole number is there that is not more.
    case atMost(Int64)

    var json: Value.Object {
        switch self {
        case .exists: ["is": "exists"]
        case .missing: ["is": "missing"]
        case .equals(let value): ["is": "equals", "value": value]
        case .atLeast(let number): ["is": "at_least", "value": .int(number)]
        case .atMost(let number): ["is": "at_most", "value": .int(number)]
        }
    }
}
