internal import VeilfoldFFI

/// A space of this device.
///
/// Any thread may call. Everything throws `invalid` with `closed` after its client was closed.
public struct Space: Sendable, Identifiable {
    /// Its id, 64 hex digits, the same on every device.
    public let id: String
    /// This device's own name for it; others do not see it.
    public let name: String
    let native: VeilfoldFFI.Space
    let mutators: Mutators

    init(_ native: VeilfoldFFI.Space, _ mutators: Mutators) throws(VeilfoldError) {
        self.native = native
        self.mutators = mutators
        id = try told { try native.id() }
        name = try told { try native.name() }
    }

    /// A collection of it, with documents of a type. Nothing has to be declared.
    public func collection<Document: Codable & Sendable>(
        _ name: String, of type: Document.Type
    ) -> DocumentCollection<Document> {
        DocumentCollection(space: native, name: name)
    }

    /// A collection of it, with documents of any shape.
    public func collection(_ name: String) -> DocumentCollection<Value> {
        DocumentCollection(space: native, name: name)
    }

    /// Runs a function and commits what it asked for, all or nothing. Works offline.
    ///
    /// The function runs on a thread of its own, more than once if what it read changes meanwhile on this
    /// device, so it has no side effects. If somebody else changes what it read before the order has it, the
    /// receipt's fate is ``Fate/rejected(_:)``. When it throws, nothing is written and the error comes out
    /// here. Throws `CancellationError` when its task is cancelled before it commits; then nothing is written
    /// either.
    @discardableResult
    public func transact<Answer: Sendable>(
        _ function: @escaping @Sendable (Transaction) throws -> Answer
    ) async throws -> Transacted<Answer> {
        let native = native
        return try await untilCommitted(native, { try native.begin() }, function)
    }

    /// The receipt of a write whose id the app kept, also from an earlier run of the process.
    public func receipt(_ id: String) throws(VeilfoldError) -> Receipt {
        try Receipt(try told { try native.receipt(txId: id) })
    }

    /// Hash over the whole ordered state, 64 hex digits: equal on all devices at one position.
    ///
    /// Throws `invalid` with `not_folded` while something ordered cannot be opened yet.
    public func stateRoot() async throws(VeilfoldError) -> String {
        try await answered { try await native.stateRoot().text() }
    }
}

/// Runs a function on a thread of its own until what it read still holds when it is committed.
func untilCommitted<Answer: Sendable>(
    _ space: VeilfoldFFI.Space, _ begin: @Sendable () throws -> TransactionBuilder,
    _ function: @escaping @Sendable (Transaction) throws -> Answer
) async throws -> Transacted<Answer> {
    while true {
        try Task.checkCancellation()
        let builder = try told { try begin() }
        let value: Answer
        do {
            value = try await onOwnThread { try function(Transaction(builder, space)) }
        } catch {
            // What it was made of may have changed under its hands; then it is run again.
            if try await waited({ try await builder.isCurrent().flag() }) { throw error }
            continue
        }
        try Task.checkCancellation()
        if let outcome = try await answered({ try await builder.commit().outcome() }) {
            return Transacted(value: value, receipt: try outcome.receipt.map { try Receipt($0) })
        }
    }
}

