internal import VeilfoldFFI

/// A write that this device keeps, and the way to ask for its fate.
///
/// Asking takes nothing away; dropping it changes nothing.
public struct Receipt: Sendable, Identifiable {
    /// The write's id. Kept by the app, it finds the fate again: ``Space/receipt(_:)``.
    public let id: String
    /// Ids of the list elements that the write made, in the order in which it made them.
    public let elements: [String]
    let native: VeilfoldFFI.Receipt

    init(_ native: VeilfoldFFI.Receipt) throws(VeilfoldError) {
        self.native = native
        id = try told { try native.txId() }
        elements = try told { try native.elements() }
    }

    /// What became of it so far; `nil` while the order does not contain it. Does not wait.
    ///
    /// Throws `invalid` with `fate_forgotten` when it is unknown here or was settled more than 10,000
    /// writes ago.
    public func fate() async throws(VeilfoldError) -> Fate? {
        Fate(native: try await answered { try await native.fate().fate() })
    }

    /// How many transactions were tried for it so far; more than 1 only for a ``Mutator``. Throws as ``fate()``.
    public func attempts() async throws(VeilfoldError) -> Int64 {
        try await answered { try await native.attempts().number() }
    }

    /// Waits until nothing will change the fate any more, which may take as long as the device is offline.
    ///
    /// Throws as ``fate()`` does, and `CancellationError` at once when its task is cancelled; that ends the
    /// waiting and nothing else.
    public func settled() async throws -> Fate {
        let settled = try await waited { try await native.settled().fate() }
        guard let fate = Fate(native: settled) else {
            throw VeilfoldError.internal(code: "internal", detail: "a settled fate is pending")
        }
        return fate
    }
}
