internal import VeilfoldFFI

/// A write's fate, as ``Space/fates()`` tells it.
public struct SettledFate: Sendable, Hashable, Identifiable {
    /// The id on its receipt.
    public let id: String
    public let fate: Fate
    /// How many transactions were tried for it; more than 1 only for a ``Mutator``.
    public let attempts: Int64
    /// The name of the mutator that made it, if one did.
    public let mutator: String?
    /// How many fates before this one were forgotten, because nobody had taken them and 10,000 newer ones came.
    public let missed: Int64
}

/// What became of this device's writes: an asynchronous sequence, in the order in which they were settled.
///
/// The device keeps its place, so that what happened while the app was not running is told too. Asking for more
/// takes what was given, up to a hundred at a time; whoever is stopped before that gets those again, so each
/// comes at least once. A space has one such place: read it in one task at a time. Ends without an error when
/// its task is cancelled and when the client closes.
public struct FateStream: AsyncSequence, Sendable {
    public typealias Element = SettledFate
    let space: VeilfoldFFI.Space

    /// One stream. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let puller: Puller<VeilfoldFFI.FateStream>
        private var waiting: ArraySlice<SettledFate> = []

        init(_ space: VeilfoldFFI.Space) {
            puller = Puller { try await space.fates().fateStream() }
        }

        /// Waits for the next one. Throws ``VeilfoldError``.
        public mutating func next() async throws -> SettledFate? {
            if let fate = waiting.popFirst() { return fate }
            let batch = try await puller.next { try await $0.nextBatch(max: 100).fates().map(SettledFate.all(in:)) }
            waiting = (batch ?? [])[...]
            return waiting.popFirst()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(space) }
}

extension Space {
    /// What became of this device's writes, from the first that nobody has taken yet, also those of earlier runs
    /// of the process: `for try await settled in space.fates()`.
    public func fates() -> FateStream { FateStream(space: native) }
}

extension SettledFate {
    fileprivate static func all(in batch: FateBatch) throws(VeilfoldError) -> [SettledFate] {
        var fates: [SettledFate] = []
        for settled in batch.fates {
            guard let fate = Fate(native: settled.fate) else { throw .unreadable }
            let missed = fates.isEmpty ? batch.missed : 0
            fates.append(
                SettledFate(
                    id: settled.txId, fate: fate, attempts: settled.attempts, mutator: settled.mutator,
                    missed: missed))
        }
        return fates
    }
}
