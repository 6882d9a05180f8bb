internal import VeilfoldFFI

/// A place in the order: the entry's number from 1, and the write's place in that entry.
public struct Position: Sendable, Hashable {
    public let seq: Int64
    public let index: Int64

    public init(seq: Int64, index: Int64) {
        self.seq = seq
        self.index = index
    }
}

/// Why every device left a write out.
public struct Rejection: Sendable, Hashable {
    /// Stable code, for instance `read_changed`.
    public let code: String
    /// The reason for people.
    public let detail: String
    /// Where the order has it.
    public let position: Position
    /// The document that it is about, if it is about one.
    public let document: DocumentKey?
}

/// Why a write never entered the order.
public struct Refusal: Sendable, Hashable {
    /// Stable code, for instance `not_allowed`.
    public let code: String
    /// The reason for people.
    public let detail: String
}

/// The name of a document.
public struct DocumentKey: Sendable, Hashable {
    public let collection: String
    public let id: String

    public init(collection: String, id: String) {
        self.collection = collection
        self.id = id
    }

    public static func == (one: Self, other: Self) -> Bool {
        ExactText(one.id) == ExactText(other.id) && ExactText(one.collection) == ExactText(other.collection)
    }
}

/// What became of a write, once nothing will change it any more.
public enum Fate: Sendable, Hashable {
    /// Every device has it, at this position.
    case confirmed(Position)
    /// Every device left it out.
    case rejected(Rejection)
    /// It never entered the order.
    case refused(Refusal)
}

extension Fate {
    /// `nil` while the order does not contain it.
    init?(native: VeilfoldFFI.Fate) {
        switch native {
        case .pending: return nil
        case .confirmed(let seq, let index): self = .confirmed(Position(seq: seq, index: index))
        case .rejected(let seq, let index, let code, let detail, let collection, let document):
            let about = collection.flatMap { collection in
                document.map { DocumentKey(collection: collection, id: $0) }
            }
            let position = Position(seq: seq, index: index)
            self = .rejected(Rejection(code: code, detail: detail, position: position, document: about))
        case .refused(let code, let detail): self = .refused(Refusal(code: code, detail: detail))
        }
    }
}
