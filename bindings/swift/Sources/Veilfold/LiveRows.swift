internal import VeilfoldFFI

/// One consistent state of a collection, and what is different from the one before.
public struct Change<Document: Sendable>: Sendable {
    /// All documents, by id.
    public let rows: [Row<Document>]
    /// Documents that are new, by id.
    public let inserted: [Row<Document>]
    /// Documents that were there and may have changed, by id.
    public let updated: [Row<Document>]
    /// Ids of documents that are gone.
    public let removed: [String]
}

extension Change: Equatable where Document: Equatable {}

/// A collection as it changes: an asynchronous sequence of all its documents, by id.
///
/// The first state is what is there, at once, also offline; after that a slow reader gets the newest state and
/// holds nobody up. Ends without an error when its task is cancelled and when the client closes; every loop
/// over it is a query of its own, which ends with the loop. A document that is not of the type ends it with
/// `invalid` and `wrong_type`.
public struct LiveRows<Document: Codable & Sendable>: AsyncSequence, Sendable {
    public typealias Element = [Document]
    let changes: LiveChanges<Document>

    /// One query. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        var changes: LiveChanges<Document>.AsyncIterator

        /// Waits for the next state. Throws ``VeilfoldError``.
        public mutating func next() async throws -> [Document]? {
            try await changes.next()?.rows.map(\.document)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(changes: changes.makeAsyncIterator()) }
}

/// A collection as it changes: an asynchronous sequence of states with what is different in each. Otherwise as
/// ``LiveRows``.
public struct LiveChanges<Document: Codable & Sendable>: AsyncSequence, Sendable {
    public typealias Element = Change<Document>
    let collection: DocumentCollection<Document>

    /// One query. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let puller: Puller<VeilfoldFFI.LiveQuery>
        let shape: DocumentShape<Document>
        private var rows: [ExactText: Row<Document>] = [:]
        private var order: [ExactText] = []

        init(_ collection: DocumentCollection<Document>) {
            let (space, name) = (collection.space, collection.name)
            puller = Puller { try await space.live(collection: name, document: nil).live() }
            shape = collection.shape
        }

        /// Waits for the next state. Throws ``VeilfoldError``.
        public mutating func next() async throws -> Change<Document>? {
            let shape = shape
            guard
                let news = try await puller.next({ native -> News<Document>? in
                    var news = News<Document>()
                    repeat {
                        guard let batch = try await native.nextBatch(max: 500).optionalJson() else { return nil }
                        try news.add(try JSONReader.value(batch), shape)
                    } while !news.complete
                    return news
                })
            else { return nil }
            rows.merge(news.inserted) { _, new in new }
            rows.merge(news.updated) { _, new in new }
            for id in news.removed { rows[id] = nil }
            if !(news.inserted.isEmpty && news.removed.isEmpty) { order = rows.keys.sorted() }
            return Change(
                rows: order.compactMap { rows[$0] }, inserted: news.inserted.byID(), updated: news.updated.byID(),
                removed: news.removed.sorted().map(\.text)
            )
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(collection) }
}

/// One document as it changes: an asynchronous sequence of it, or `nil` while there is none. Otherwise as
/// ``LiveRows``.
public struct LiveDocument<Document: Codable & Sendable>: AsyncSequence, Sendable {
    public typealias Element = Document?
    let collection: DocumentCollection<Document>
    let id: String

    /// One query. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let puller: Puller<VeilfoldFFI.LiveQuery>
        let shape: DocumentShape<Document>

        /// Waits for the next state. Throws ``VeilfoldError``.
        public mutating func next() async throws -> Document?? {
            let shape = shape
            return try await puller.next { native -> Document?? in
                guard let batch = try await native.nextBatch(max: 500).optionalJson() else { return nil }
                var news = News<Document>()
                try news.add(try JSONReader.value(batch), shape)
                return .some((news.inserted.values.first ?? news.updated.values.first)?.document)
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        let (space, name, id) = (collection.space, collection.name, id)
        let puller = Puller { try await space.live(collection: name, document: id).live() }
        return AsyncIterator(puller: puller, shape: collection.shape)
    }
}

extension DocumentCollection {
    /// Watches all documents: `for try await items in collection.live() { … }`.
    public func live() -> LiveRows<Document> { LiveRows(changes: changes()) }

    /// Watches all documents and says what is different each time.
    public func changes() -> LiveChanges<Document> { LiveChanges(collection: self) }

    /// Watches one document.
    public func live(_ id: String) -> LiveDocument<Document> { LiveDocument(collection: self, id: id) }
}

/// Batches of one state, put together.
private struct News<Document: Codable & Sendable>: Sendable {
    var complete = false
    var inserted: [ExactText: Row<Document>] = [:]
    var updated: [ExactText: Row<Document>] = [:]
    var removed: Set<ExactText> = []

    mutating func add(_ batch: Value, _ shape: DocumentShape<Document>) throws(VeilfoldError) {
        for row in try shape.rows(batch["inserted"]) {
            let id = ExactText(row.id)
            if removed.remove(id) == nil { inserted[id] = row } else { updated[id] = row }
        }
        for row in try shape.rows(batch["updated"]) {
            let id = ExactText(row.id)
            if inserted[id] == nil { updated[id] = row } else { inserted[id] = row }
        }
        for id in (batch["removed"]?.array ?? []).compactMap(\.string).map(ExactText.init) {
            updated[id] = nil
            if inserted.removeValue(forKey: id) == nil { removed.insert(id) }
        }
        complete = batch["complete"]?.bool ?? true
    }
}

extension Dictionary where Key == ExactText {
    /// In the order of the ids' bytes, as pages come.
    fileprivate func byID() -> [Value] { sorted { $0.key < $1.key }.map(\.value) }
}
