internal import VeilfoldFFI

/// How a space stands.
public struct SpaceStatus: Sendable, Hashable {
    /// Where a space stands with the relay.
    public enum State: Sendable, Hashable {
        /// No connection.
        case offline
        /// A connection is being made, or the space is being asked for.
        case connecting
        /// The relay turned it away, for instance before this device was added; it is asked again by itself.
        case refused
        /// Entries are arriving: the newest verified position, and the relay's newest.
        case catchingUp(done: Int64, total: Int64)
        /// What is ordered arrives as it is ordered.
        case live
        /// Entries are kept and not folded; ``SpaceStatus/held`` says why.
        case held
        /// The relay was caught: how.
        case forked(fault: String)
    }

    public let state: State
    /// Own writes that the order does not contain yet.
    public let outboxCount: Int64
    /// Of these, how many the relay has stored.
    public let storedCount: Int64
    /// Newest position that this device has verified and folded.
    public let seq: Int64
    /// Why entries are kept and not folded: `key_missing`, `update_required` when this version of the app is too
    /// old for a collection's resolver, or `resolver_stuck` when one gives no answer and is asked again.
    public let held: String?
}

/// The status of a space as it changes: the present one first, then each that is different. Ends without an
/// error when its task is cancelled and when the client closes.
public struct StatusStream: AsyncSequence, Sendable {
    public typealias Element = SpaceStatus
    let space: VeilfoldFFI.Space

    /// One stream. It belongs to the task that reads it.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let puller: Puller<VeilfoldFFI.StatusStream>

        /// Waits for the next status. Throws ``VeilfoldError``.
        public mutating func next() async throws -> SpaceStatus? {
            try await puller.next { try await $0.next().optionalStatus().map(SpaceStatus.init(native:)) }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        let space = space
        return AsyncIterator(puller: Puller { try await space.statusStream().statusStream() })
    }
}

extension Space {
    /// How it stands with the relay, and how much waits in the outbox. Does not wait for the relay.
    public func status() async throws(VeilfoldError) -> SpaceStatus {
        SpaceStatus(native: try await answered { try await native.status().status() })
    }

    /// The status as it changes: `for try await status in space.statusStream()`.
    public func statusStream() -> StatusStream { StatusStream(space: native) }

    /// Waits until the order contains all own writes and this device has caught up.
    ///
    /// Throws `offline` when no relay is named, `relayMisbehaved` when the relay was caught, and
    /// `CancellationError` at once when its task is cancelled.
    @discardableResult
    public func synced() async throws -> SpaceStatus {
        SpaceStatus(native: try await waited { try await native.synced().status() })
    }

    /// Waits until this device has folded the order up to a position. Throws as ``synced()`` does.
    @discardableResult
    public func reached(_ seq: Int64) async throws -> SpaceStatus {
        SpaceStatus(native: try await waited { try await native.reached(seq: seq).status() })
    }
}

extension SpaceStatus {
    init(native: VeilfoldFFI.SpaceStatus) {
        let state: State =
            switch native.state {
            case .offline: .offline
            case .connecting: .connecting
            case .refused: .refused
            case .catchingUp(let done, let total): .catchingUp(done: done, total: total)
            case .live: .live
            case .held: .held
            case .forked(let fault): .forked(fault: fault)
            }
        self.init(
            state: state, outboxCount: native.outboxCount, storedCount: native.storedCount, seq: native.seq,
            held: native.held)
    }
}
