#if canImport(Combine)
import Combine

/// A collection for views: its documents as they are now, changed on the main actor.
///
/// It reads for as long as it is held. `@LiveQuery` makes one for a SwiftUI view.
@MainActor
public final class LiveModel<Document: Codable & Sendable>: ObservableObject {
    private struct Shown {
        var documents: [Document] = []
        var isLoaded = false
        var error: VeilfoldError?
    }

    /// All documents, by id.
    public var documents: [Document] { now.documents }
    /// True once ``documents`` holds what is there, which takes a moment, also offline.
    public var isLoaded: Bool { now.isLoaded }
    /// Why it stopped, for instance at a document of another type.
    public var error: VeilfoldError? { now.error }

    @Published private var shown = Shown()
    /// What was published is of another collection than this one.
    private var isOver = false
    private let reader = LiveReader<Document>()

    public init(_ collection: DocumentCollection<Document>) {
        show(collection)
    }

    /// Shows nothing and then another collection; nothing happens when it is the same collection of the same space.
    ///
    /// Tells nobody of the nothing: a view calls this just before it is drawn, which is no time to have it drawn again.
    func show(_ collection: DocumentCollection<Document>) {
        if reader.read(collection, { [weak self] news in self?.take(news) }) { isOver = true }
    }

    private var now: Shown { isOver ? Shown() : shown }

    private func take(_ news: Result<[Document], VeilfoldError>) {
        var next = now
        switch news {
        case .success(let documents): (next.documents, next.isLoaded) = (documents, true)
        case .failure(let error): next.error = error
        }
        isOver = false
        shown = next
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
