import Foundation
import Veilfold

/// One client, its only space, and what it watches.
final class Device {
    private let client: Client
    private let counted: Counted
    private var space: Space?
    private var last: Receipt?
    private var watches: [String: Watch] = [:]

    private init(_ client: Client, _ space: Space?, _ counted: Counted) {
        self.client = client
        self.counted = counted
        self.space = space
    }

    static func open(_ order: Value) async throws -> Device {
        let relay = order["relay"]?.string.flatMap { URL(string: $0) }
        let counted = Counted()
        let client = try await Veilfold.open(
            .file(try order.text("path")), relay: relay, name: try order.text("name"),
            resolvers: order["resolver"] == true ? [counted.resolver] : [])
        return Device(client, try await client.spaces().last, counted)
    }

    func obey(_ order: Value) async throws -> Value {
        switch try order.text("do") {
        case "create_space":
            space = try await client.createSpace(name: try order.text("name"))
            return ["space": .string(try here.id)]
        case "contact_card": return ["card": .string(try await client.contactCard(name: try order.text("name")))]
        case "add_member":
            let role = Role(rawValue: try order.text("role")) ?? .reader
            let ticket = try await here.addMember(try order.text("card"), role: role)
            _ = try await ticket.receipt.settled()
            return ["ticket": .string(ticket.text)]
        case "join":
            space = try await client.join(try order.text("ticket"), name: try order.text("name"))
            return ["space": .string(try here.id)]
        case "write":
            let receipt = try await write(try collection(order), order)
            last = receipt
            return ["elements": .array(receipt.elements.map(Value.string))]
        case "transact": return try await transact(order)
        case "settled": return try await settled()
        case "get": return try await collection(order).get(try order.text("id"))?.typed ?? .null
        case "all":
            let rows = try await collection(order).rows()
            return ["rows": .array(rows.map { [.string($0.id), $0.document.typed] })]
        case "elements":
            let path = FieldPath(try order.text("path"))
            let elements = try await collection(order).elements(try order.text("id"), path)
            return ["elements": .array(elements.map { [.string($0.id), $0.value.typed] })]
        case "resolved": return counted.value
        case "repeat": return try await repeated(try here, order)
        case "watch", "watched", "unwatch": return try await watching(order)
        default: return try await connection(order)
        }
    }

    private func connection(_ order: Value) async throws -> Value {
        switch try order.text("do") {
        case "connect":
            try await client.connect()
            return .null
        case "disconnect":
            try await client.disconnect()
            return .null
        case "close":
            try await client.close()
            return .null
        case "synced": return ["seq": .int(try await here.synced().seq)]
        case "reached": return ["seq": .int(try await here.reached(try order.number("seq")).seq)]
        case "root": return ["root": .string(try await here.stateRoot())]
        case "status":
            let status = try await here.status()
            return ["outbox": .int(status.outboxCount), "seq": .int(status.seq)]
        case "members":
            let members = try await here.members().map { member -> Value in
                [member.name.map(Value.string) ?? .null, .string(member.role.rawValue), .bool(member.isMe)]
            }
            return ["members": .array(members)]
        case let other: throw Confused.unknownOrder(other)
        }
    }

    private func transact(_ order: Value) async throws -> Value {
        let space = try here
        let done = try await space.transact { tx -> Value? in
            var read: Value?
            if let name = order["get"]?[0]?.string, let id = order["get"]?[1]?.string {
                let collection = space.collection(name)
                read = try tx.get(collection, id)
                if let expect = order["expect"], expect != .null {
                    let path = FieldPath(expect["path"]?.string ?? "")
                    try tx.expect(collection, id, path, try condition(expect))
                }
            }
            for one in order["writes"]?.array ?? [] {
                try stage(tx, space.collection(try one.text("collection")), one)
            }
            return read
        }
        last = done.receipt
        return ["read": done.value?.typed ?? .null]
    }

    private func settled() async throws -> Value {
        guard let last else { throw Confused.noReceipt }
        switch try await last.settled() {
        case .confirmed: return ["fate": "confirmed", "code": nil]
        case .rejected(let why): return ["fate": "rejected", "code": .string(why.code)]
        case .refused(let why): return ["fate": "refused", "code": .string(why.code)]
        }
    }

    private func watching(_ order: Value) async throws -> Value {
        let name = try order.text("collection")
        if order["do"] == "watch" {
            let watch = Watch()
            await watch.start(try collection(order))
            watches[name] = watch
            return .null
        }
        guard let watch = watches[name] else { throw Confused.noWatch }
        if order["do"] == "watched" { return await watch.shown(order) }
        watches[name] = nil
        await watch.cancel()
        return .null
    }

    private var here: Space {
        get throws {
            guard let space else { throw Confused.noSpace }
            return space
        }
    }

    private func collection(_ order: Value) throws -> DocumentCollection<Value> {
        try here.collection(try order.text("collection"))
    }
}

private func condition(_ expect: Value) throws -> Condition {
    let value = try expect["value"]?.plain() ?? .null
    switch try expect.text("is") {
    case "exists": return .exists
    case "missing": return .missing
    case "equals": return .equals(value)
    case "at_least": return .atLeast(value.int ?? 0)
    default: return .atMost(value.int ?? 0)
    }
}
