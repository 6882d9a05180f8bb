/// A stream of the generated layer, opened at the first pull and pulled by one task at a time.
///
/// It ends when the task that pulls is cancelled, when its client closes, after an error, and with this
/// object: whoever iterates holds it, so it cannot be lost.
actor Puller<Native: Sendable> {
    private let opening: @Sendable () async throws -> Native
    private var native: Native?
    private var ended = false

    init(_ opening: @escaping @Sendable () async throws -> Native) {
        self.opening = opening
    }

    /// The next item; `nil` at the end.
    func next<Item: Sendable>(
        _ pull: @Sendable (Native) async throws -> Item?
    ) async throws(VeilfoldError) -> Item? {
        if ended { return nil }
        do {
            let native = try await opened()
            let item = try await pull(native)
            if item == nil { end() }
            return item
        } catch {
            end()
            let error = VeilfoldError(native: error)
            if error.code == VeilfoldError.cancelled.code { return nil }
            throw error
        }
    }

    private func opened() async throws -> Native {
        if let native { return native }
        let opened = try await opening()
        native = opened
        return opened
    }

    private func end() {
        ended = true
        native = nil
    }
}
