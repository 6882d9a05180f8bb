import Foundation
import Veilfold

/// Something to buy.
public struct Item: Codable, Identifiable, Sendable, Equatable {
    public var id: String
    public var title: String
    public var qty: Int
    public var done: Bool
}

/// A shared list on one device: what the app of the views and the one of the command line have in common.
public struct SharedList: Sendable {
    public let space: Space
    public let items: DocumentCollection<Item>

    public init(_ space: Space) {
        self.space = space
        items = space.collection("items", of: Item.self)
    }

    /// Puts something on the list.
    public func add(_ title: String) async throws {
        try await items.put(Item(id: UUID().uuidString, title: title, qty: 1, done: false))
    }

    /// One more of it: two devices that add one at the same time make two.
    public func more(_ item: Item) async throws {
        try await items.increment(item.id, \.qty)
    }

    /// Ticks it off, and counts that it was bought, both or none.
    public func buy(_ item: Item) async throws {
        let (items, stats) = (items, space.collection("stats"))
        try await space.transact { tx in
            guard let found = try tx.get(items, item.id), !found.done else { return }
            try tx.set(items, item.id, \.done, true)
            try tx.increment(stats, "all", "bought")
        }
    }
}

extension SpaceStatus {
    /// What a badge says; nothing while everybody sees what this device sees.
    public var badge: String? {
        let waiting = outboxCount == 0 ? "" : ", \(outboxCount) to send"
        switch state {
        case .live: return outboxCount == 0 ? nil : "sending\(waiting)"
        case .offline, .connecting: return "offline\(waiting)"
        case .catchingUp(let done, let total): return "\(done) of \(total)"
        case .refused: return "waiting to be let in"
        case .held:
            switch held {
            case "update_required": return "update this app"
            case "resolver_stuck": return "a rule gives no answer"
            default: return "waiting for a key"
            }
        case .forked: return "the relay was caught lying"
        }
    }
}

extension Item {
    /// A line of the list.
    public var line: String { "[\(done ? "x" : " ")] \(qty) × \(title)" }
}
