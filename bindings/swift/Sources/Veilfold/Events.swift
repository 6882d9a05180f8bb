internal import VeilfoldFFI

/// Something noteworthy that no call was waiting for.
public enum Event: Sendable, Hashable {
    /// The relay gave something that an honest one cannot give; the space, when it is about one.
    case relayMisbehaved(space: String?, fault: String)
    /// Another copy of this store writes as this device.
    case deviceCloned(space: String)
    /// This device was added to a space.
    case admitted(space: String)
    /// The store could not keep what arrived; it is fetched again.
    case storeFailed(detail: String)
    /// A space stands still: what arrives is kept and not folded. Why: `key_missing`, `update_required` when this
    /// version of the app is too old for a collection's resolver, `resolver_stuck` when one gives no answer.
    case held(space: String, why: String, collection: String?, version: Int64?)
    /// A resolver of the app threw, or gave what is no document: the write at that position is rejected on every
    /// device.
    case resolverFailed(space: String, collection: String, seq: Int64)
    /// A writer has other documents, although this device's are what its own verified log makes of them; perhaps a
    /// resolver gives different results on different devices. Told once, and again when the bucket of the state
    /// root and the documents are found. Nothing here is replaced.
    case diverged(space: String, seq: Int64, author: Int64, bucket: Int64?, documents: [DocumentKey])
    /// This device's documents were not what its own verified log makes of them, perhaps because of a mistake in
    /// an earlier version of the app's resolvers. They are now; the first of them are named.
    case healed(space: String, seq: Int64, bucket: Int64?, documents: [DocumentKey], count: Int64)
    /// The connection ended or never came about; it is tried again.
    case disconnected(detail: String)
    /// So many events before the next one were lost, because nobody read in time.
    case missed(count: Int64)
}

extension DocumentKey {
    init(native: VeilfoldFFI.DocumentName) {
        self.init(collection: native.collection, id: native.id)
    }
}

/// Events as they happen: an asynchronous sequence. When nobody reads for long, old ones are lost, and
/// ``Event/missed(count:)`` says how many. Ends without an error when its task is cancelled and when the client closes.
public struct EventStream: AsyncSequence, Sendable {
    public typealias Element = Event
    let client: VeilfoldFFI.Client

    /// One stream, which begins at the first ``next()``. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let puller: Puller<VeilfoldFFI.EventStream>
        private var waiting: ArraySlice<Event> = []

        init(_ client: VeilfoldFFI.Client) {
            puller = Puller { try await client.events().eventStream() }
        }

        /// Waits for the next event. Throws ``VeilfoldError``.
        public mutating func next() async throws -> Event? {
            if let event = waiting.popFirst() { return event }
            let batch = try await puller.next { try await $0.nextBatch(max: 256).events().map(Event.all(in:)) }
            waiting = (batch ?? [])[...]
            return waiting.popFirst()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(client) }
}

extension Event {
    static func all(in batch: EventBatch) -> [Event] {
        (batch.missed > 0 ? [.missed(count: batch.missed)] : []) + batch.events.map(Event.init(native:))
    }

    init(native: VeilfoldFFI.Event) {
        self =
            switch native {
            case .relayMisbehaved(let space, let fault): .relayMisbehaved(space: space, fault: fault)
            case .deviceCloned(let space): .deviceCloned(space: space)
            case .admitted(let space): .admitted(space: space)
            case .storeFailed(let detail): .storeFailed(detail: detail)
            case .held(let space, let why, let collection, let version):
                .held(space: space, why: why, collection: collection, version: version)
            case .resolverFailed(let space, let collection, let seq):
                .resolverFailed(space: space, collection: collection, seq: seq)
            case .diverged(let space, let seq, let author, let bucket, let documents):
                .diverged(
                    space: space, seq: seq, author: author, bucket: bucket,
                    documents: documents.map(DocumentKey.init(native:)))
            case .healed(let space, let seq, let bucket, let documents, let count):
                .healed(
                    space: space, seq: seq, bucket: bucket, documents: documents.map(DocumentKey.init(native:)),
                    count: count)
            case .disconnected(let detail): .disconnected(detail: detail)
            }
    }
}
