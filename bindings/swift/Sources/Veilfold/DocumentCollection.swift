import Foundation
internal import VeilfoldFFI

/// A document with its id.
public struct Row<Document: Sendable>: Sendable, Identifiable {
    public let id: String
    public let document: Document

    public init(id: String, document: Document) {
        self.id = id
        self.document = document
    }
}

extension Row: Equatable where Document: Equatable {
    public static func == (one: Self, other: Self) -> Bool {
        ExactText(one.id) == ExactText(other.id) && one.document == other.document
    }
}

extension Row: Hashable where Document: Hashable {}

/// An element of a list, and the id under which it is moved and removed.
public struct ListElement<Element: Sendable>: Sendable, Identifiable {
    public let id: String
    public let value: Element

    public init(id: String, value: Element) {
        self.id = id
        self.value = value
    }
}

extension ListElement: Equatable where Element: Equatable {}
extension ListElement: Hashable where Element: Hashable {}

/// A collection of one space. Cheap to make; it exists as soon as a document is in it.
///
/// Documents are `Codable`, or ``Value`` where their shape is not known. The `id` of a document that is
/// `Identifiable` by a `String` is the document's own id in the collection: it is not stored a second time as
/// a field, and it is filled in when the document is read.
///
/// Writes return when a killed process cannot lose them, and reads see them at once, also offline. Other
/// devices see them after the relay has ordered them; the ``Receipt`` tells what became of them. Cancelling
/// the task of a write leaves it whole or undone; a read ends at once, with `invalid` and `cancelled`. Any thread may
/// call; nothing runs on the main thread that the app did not put there.
///
/// Reads and writes throw `notAllowed` before this device was added as a writer, `invalid` for what is
/// malformed, too large, of another type (`wrong_type`) or rejected by the state as it is visible here
/// (`rejected`), for a full outbox and for a closed client, `corrupt` when the disk fails.
public struct DocumentCollection<Document: Codable & Sendable>: Sendable {
    /// Its name.
    public let name: String
    let space: VeilfoldFFI.Space
    let shape: DocumentShape<Document>

    init(space: VeilfoldFFI.Space, name: String) {
        self.space = space
        self.name = name
        shape = DocumentShape()
    }

    /// A document as it is visible, `nil` when there is none of that id.
    public func get(_ id: String) async throws(VeilfoldError) -> Document? {
        let data = try await answered { try await space.get(collection: name, id: id).optionalJson() }
        guard let data else { return nil }
        return try shape.read(id, data)
    }

    /// All documents, by id. Read page by page; a live query is consistent.
    public func all() async throws(VeilfoldError) -> [Document] {
        try await rows().map(\.document)
    }

    /// All documents with their ids, by id. Read page by page; a live query is consistent.
    public func rows() async throws(VeilfoldError) -> [Row<Document>] {
        var rows: [Row<Document>] = []
        while true {
            if Task.isCancelled { throw .cancelled }
            let after = rows.last?.id
            let data = try await answered {
                try await space.page(collection: name, after: after, limit: UInt32(Self.page)).json()
            }
            let page = try shape.rows(try JSONReader.value(data))
            rows += page
            if page.count < Self.page { return rows }
        }
    }

    /// The elements of the list at a path; empty when there is no list.
    public func elements<Element: Decodable & Sendable>(
        _ id: String, _ path: FieldPath, of type: Element.Type = Value.self
    ) async throws(VeilfoldError) -> [ListElement<Element>] {
        let path = try JSONWriter.data(path.json)
        let data = try await answered { try await space.elements(collection: name, id: id, path: path).json() }
        return try listElements(data)
    }

    /// A collaborative text in a document.
    public func text(_ id: String, _ path: FieldPath) -> CollaborativeText {
        CollaborativeText(space: space, key: key(id), path: path)
    }

    func key(_ id: String) -> DocumentKey { DocumentKey(collection: name, id: id) }

    static var page: Int { 500 }
}

/// The elements of a list as they cross.
func listElements<Element: Decodable & Sendable>(_ data: Data) throws(VeilfoldError) -> [ListElement<Element>] {
    var elements: [ListElement<Element>] = []
    for pair in try JSONReader.value(data).array ?? [] {
        guard let id = pair[0]?.string, let value = pair[1] else { throw .unreadable }
        elements.append(ListElement(id: id, value: try ValueDecoder.decode(Element.self, from: value)))
    }
    return elements
}

/// How documents of a type are stored.
struct DocumentShape<Document: Codable & Sendable>: Sendable {
    /// The type has a String id, which is the document's own.
    let identified: Bool

    init() {
        identified = (Document.self as? any Identifiable.Type).map { Self.hasTextID($0) } ?? false
    }

    /// A document as it is stored under an id.
    func fields(_ id: String, _ document: Document) throws(VeilfoldError) -> Value {
        let value = try ValueEncoder.value(document)
        guard identified, case .object(var fields) = value else { return value }
        guard let own = (document as? any Identifiable)?.id as? String, ExactText(own) == ExactText(id) else {
            throw .invalid(code: "wrong_id", detail: "a document has its own id: give that one")
        }
        if fields["id"] == .string(id) { fields["id"] = nil }
        return .object(fields)
    }

    func read(_ id: String, _ data: Data) throws(VeilfoldError) -> Document {
        try read(id, try JSONReader.value(data))
    }

    func read(_ id: String, _ value: Value) throws(VeilfoldError) -> Document {
        guard identified, case .object(var fields) = value else {
            return try ValueDecoder.decode(Document.self, from: value)
        }
        fields["id"] = .string(id)
        return try ValueDecoder.decode(Document.self, from: .object(fields))
    }

    /// `[[id, document], …]`.
    func rows(_ value: Value?) throws(VeilfoldError) -> [Row<Document>] {
        guard let pairs = value?.array else { throw .unreadable }
        var rows: [Row<Document>] = []
        rows.reserveCapacity(pairs.count)
        for pair in pairs {
            guard let id = pair[0]?.string, let fields = pair[1] else { throw .unreadable }
            rows.append(Row(id: id, document: try read(id, fields)))
        }
        return rows
    }

    private static func hasTextID<T: Identifiable>(_: T.Type) -> Bool { T.ID.self == String.self }
}

extension VeilfoldError {
    static let unreadable = VeilfoldError.internal(code: "internal", detail: "an answer has another form")
}
