#if canImport(SwiftUI)
import SwiftUI

/// A collection in a SwiftUI view, which is drawn again as its documents change:
///
///     struct Groceries: View {
///         @LiveQuery var items: [Item]
///
///         init(_ space: Space) { _items = LiveQuery(space.collection("items", of: Item.self)) }
///
///         var body: some View { List(items) { Text($0.title) } }
///     }
///
/// `$items` is the ``LiveModel``, which knows whether it has loaded and what went wrong. The query lives as
/// long as the view; a view that is made anew with another collection or another space shows that one.
@MainActor
@propertyWrapper
public struct LiveQuery<Document: Codable & Sendable>: DynamicProperty {
    @StateObject private var model: LiveModel<Document>
    /// SwiftUI keeps the model of the first view in this place, and has this of the newest.
    private let collection: DocumentCollection<Document>

    public init(_ collection: DocumentCollection<Document>) {
        self.collection = collection
        _model = StateObject(wrappedValue: LiveModel(collection))
    }

    /// Called by SwiftUI before each drawing, on the main actor.
    nonisolated public func update() {
        MainActor.assumeIsolated { model.show(collection) }
    }

    /// All documents, by id; none for a moment at first.
    public var wrappedValue: [Document] { model.documents }

    /// What reads them.
    public var projectedValue: LiveModel<Document> { model }
}
#endif
