#if canImport(Combine)
import Combine

/// A collection for views: its documents as they are now, changed on the main actor.
///
/// It reads for as long as it is held. `@LiveQuery` makes one for a SwiftUI view.
@MainActor
public final class LiveModel<Document: Codable & Sendable>: ObservableObject {
    /// All documents, by id.
    @Published public private(set) var documents: [Document] = []
    /// True once ``documents`` holds what is there, which takes a moment, also offline.
    @Published public private(set) var isLoaded = false
    /// Why it stopped, for instance at a document of another type.
    @Published public private(set) var error: VeilfoldError?
    private var reading: Task<Void, Never>?

    public init(_ collection: DocumentCollection<Document>) {
        let rows = collection.live()
        reading = Task { [weak self] in
            do {
                for try await documents in rows { self?.show(documents) }
            } catch {
                self?.error = VeilfoldError(native: error)
            }
        }
    }

    deinit {
        reading?.cancel()
    }

    private func show(_ documents: [Document]) {
        self.documents = documents
        isLoaded = true
    }
}

/// The status of a space for views, for instance for an offline badge; changed on the main actor.
@MainActor
public final class StatusModel: ObservableObject {
    /// How the space stands; `nil` for a moment.
    @Published public private(set) var status: SpaceStatus?
    private var reading: Task<Void, Never>?

    public init(_ space: Space) {
        let statuses = space.statusStream()
        reading = Task { [weak self] in
            // It ends with the client, and an error says the same.
            do { for try await status in statuses { self?.status = status } } catch { self?.status = nil }
        }
    }

    deinit {
        reading?.cancel()
    }
}
#endif
