internal import VeilfoldFFI

/// Reads the documents of one collection at a time for something on the main actor, until it is held no more.
@MainActor
final class LiveReader<Document: Codable & Sendable> {
    private var collection: DocumentCollection<Document>?
    private var reading: Task<Void, Never>?
    /// Counts the collections, so that the end of one is not taken for that of the next.
    private var turn = 0
    private var ended = false

    deinit {
        reading?.cancel()
    }

    /// Reads this collection from now on, instead of another one; `false` when it does so already. What has ended,
    /// for instance with its client, is read again when the collection is of another client's space.
    func read(
        _ wanted: DocumentCollection<Document>,
        _ tell: @escaping @MainActor (Result<[Document], VeilfoldError>) -> Void
    ) -> Bool {
        if let collection, collection.isSame(as: wanted), !ended || collection.space === wanted.space { return false }
        reading?.cancel()
        collection = wanted
        ended = false
        turn += 1
        let (rows, turn) = (wanted.live(), turn)
        reading = Task { [weak self] in
            do {
                for try await documents in rows {
                    guard let self, self.turn == turn else { return }
                    tell(.success(documents))
                }
            } catch {
                guard let self, self.turn == turn else { return }
                tell(.failure(VeilfoldError(native: error)))
            }
            guard let self, self.turn == turn else { return }
            self.ended = true
        }
        return true
    }
}

extension DocumentCollection {
    /// The same collection of the same space, perhaps by another handle.
    func isSame(as other: Self) -> Bool {
        if ExactText(name) != ExactText(other.name) { return false }
        if space === other.space { return true }
        guard let mine = try? space.id(), let its = try? other.space.id() else { return false }
        return mine == its
    }
}
