import Veilfold

/// A write on a collection.
func write(_ items: DocumentCollection<Value>, _ order: Value) async throws -> Receipt {
    let id = try order.text("id")
    let path = FieldPath(order["path"]?.string ?? "")
    let value = try order["value"]?.plain() ?? .null
    let document = try order["document"]?.plain() ?? .null
    switch try order.text("call") {
    case "create": return try await items.create(id, document)
    case "put": return try await items.put(id, document)
    case "merge": return try await items.merge(id, document.object ?? [:], into: path)
    case "set": return try await items.set(id, path, value)
    case "unset": return try await items.unset(id, path)
    case "increment": return try await items.increment(id, path, by: try order.number("by"))
    case "delete": return try await items.delete(id)
    case "list_append": return try await items.listAppend(id, path, value)
    case "list_insert": return try await items.listInsert(id, path, value, after: order.after, before: order.before)
    case "list_move":
        let element = try order.text("element")
        return try await items.listMove(id, path, element, after: order.after, before: order.before)
    case "list_remove": return try await items.listRemove(id, path, try order.text("element"))
    case "set_add": return try await items.setAdd(id, path, value)
    case "set_remove": return try await items.setRemove(id, path, value)
    case "text_create": return try await items.text(id, path).create(try order.text("text"))
    case "text_edit": return try await items.text(id, path).edit(try order.splices())
    case let other: throw Confused.unknownOrder(other)
    }
}

/// A write in a transaction.
func stage(_ tx: Transaction, _ items: DocumentCollection<Value>, _ order: Value) throws {
    let id = try order.text("id")
    let path = FieldPath(order["path"]?.string ?? "")
    let value = try order["value"]?.plain() ?? .null
    let document = try order["document"]?.plain() ?? .null
    switch try order.text("call") {
    case "create": try tx.create(items, id, document)
    case "put": try tx.put(items, id, document)
    case "merge": try tx.merge(items, id, document.object ?? [:], into: path)
    case "set": try tx.set(items, id, path, value)
    case "unset": try tx.unset(items, id, path)
    case "increment": try tx.increment(items, id, path, by: try order.number("by"))
    case "delete": try tx.delete(items, id)
    case "list_append": try tx.listAppend(items, id, path, value)
    case "list_insert": try tx.listInsert(items, id, path, value, after: order.after, before: order.before)
    case "list_move":
        try tx.listMove(items, id, path, try order.text("element"), after: order.after, before: order.before)
    case "list_remove": try tx.listRemove(items, id, path, try order.text("element"))
    case "set_add": try tx.setAdd(items, id, path, value)
    case "set_remove": try tx.setRemove(items, id, path, value)
    case "text_create": try tx.textCreate(items, id, path, try order.text("text"))
    case "text_edit": try tx.textEdit(items, id, path, try order.splices())
    case let other: throw Confused.unknownOrder(other)
    }
}

extension Value {
    fileprivate var after: String? { self["after"]?.string }
    fileprivate var before: String? { self["before"]?.string }

    fileprivate func splices() throws -> [Splice] {
        try (self["splices"]?.array ?? []).map { splice in
            guard let offset = splice[0]?.int, let delete = splice[1]?.int, let insert = splice[2]?.string else {
                throw Confused.missing("splices")
            }
            return Splice(at: Int(offset), delete: Int(delete), insert: insert)
        }
    }
}
