internal import VeilfoldFFI

/// A committed transaction.
public struct Transacted<Answer: Sendable>: Sendable {
    /// What the function returned.
    public let value: Answer
    /// Tells the fate; `nil` when the function asked for nothing.
    public let receipt: Receipt?
}

/// What a function given to ``Space/transact(_:)`` works with.
///
/// Reads see the actions so far. Every document and collection that was read becomes a precondition: if somebody
/// else changes it before the order has this transaction, the transaction is rejected everywhere, and its receipt
/// says so. Its calls wait for a moment each and throw like those of a collection; after the function has
/// returned they throw `invalid` with `transaction_over`.
public final class Transaction: Sendable {
    let native: VeilfoldFFI.TransactionBuilder
    private let space: VeilfoldFFI.Space

    init(_ native: VeilfoldFFI.TransactionBuilder, _ space: VeilfoldFFI.Space) {
        self.native = native
        self.space = space
    }

    /// A collection of its space, for a ``Mutator``; other functions have one at hand.
    public func collection<Document: Codable & Sendable>(
        _ name: String, of type: Document.Type
    ) -> DocumentCollection<Document> {
        DocumentCollection(space: space, name: name)
    }

    /// The same with documents of any shape.
    public func collection(_ name: String) -> DocumentCollection<Value> {
        DocumentCollection(space: space, name: name)
    }

    /// A document, `nil` when there is none of that id.
    public func get<Document>(
        _ collection: DocumentCollection<Document>, _ id: String
    ) throws(VeilfoldError) -> Document? {
        guard let data = try told({ try native.get(collection: collection.name, id: id) }) else { return nil }
        return try collection.shape.read(id, data)
    }

    /// All documents of a collection, by id. Which there are becomes a precondition too: a document that
    /// somebody else adds, changes or deletes before the order has this is a conflict.
    public func all<Document>(_ collection: DocumentCollection<Document>) throws(VeilfoldError) -> [Document] {
        let limit = DocumentCollection<Document>.page
        var rows: [Row<Document>] = []
        while true {
            let after = rows.last?.id
            let data = try told {
                try native.page(collection: collection.name, after: after, limit: UInt32(limit))
            }
            let page = try collection.shape.rows(try JSONReader.value(data))
            rows += page
            if page.count < limit { return rows.map(\.document) }
        }
    }

    /// The elements of the list at a path; empty when there is no list.
    public func elements<Document, Element: Decodable & Sendable>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath,
        of type: Element.Type = Value.self
    ) throws(VeilfoldError) -> [ListElement<Element>] {
        let path = try JSONWriter.data(path.json)
        return try listElements(try told { try native.elements(collection: collection.name, id: id, path: path) })
    }

    /// Makes a document; rejected when one of that id exists.
    public func create<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ document: Document
    ) throws(VeilfoldError) {
        try stage(Action.whole("create", collection.key(id), try collection.shape.fields(id, document)))
    }

    /// Puts a whole document, replacing one of that id.
    public func put<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ document: Document
    ) throws(VeilfoldError) {
        try stage(Action.whole("put", collection.key(id), try collection.shape.fields(id, document)))
    }

    /// Makes a document under its own id; rejected when one of that id exists.
    public func create<Document: Identifiable>(
        _ collection: DocumentCollection<Document>, _ document: Document
    ) throws(VeilfoldError) where Document.ID == String {
        try create(collection, document.id, document)
    }

    /// Puts a whole document under its own id, replacing one that is there.
    public func put<Document: Identifiable>(
        _ collection: DocumentCollection<Document>, _ document: Document
    ) throws(VeilfoldError) where Document.ID == String {
        try put(collection, document.id, document)
    }

    /// Deletes a document; nothing happens when it is gone.
    public func delete<Document>(
        _ collection: DocumentCollection<Document>, _ id: String
    ) throws(VeilfoldError) {
        try stage(Action.delete(collection.key(id)))
    }

    /// Rejects the whole transaction, on every device, unless the condition holds in the order.
    public func expect<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath = .document,
        _ condition: Condition = .exists
    ) throws(VeilfoldError) {
        try stage(Action.expect(collection.key(id), path, condition))
    }

    func stage(_ action: Value) throws(VeilfoldError) {
        let data = try Action.data(action)
        try told { try native.stage(actions: data) }
    }
}
