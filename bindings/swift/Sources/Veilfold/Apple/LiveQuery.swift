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
/// long as the view.
@MainActor
@propertyWrapper
public struct LiveQuery<Document: Codable & Sendable>: DynamicProperty {
    @StateObject private var model: LiveModel<Document>

    public init(_ collection: DocumentCollection<Document>) {
        _model = StateObject(wrappedValue: LiveModel(collection))
    }

    /// All documents, by id; none for a moment at first.
    public var wrappedValue: [Document] { model.documents }

    /// What reads them.
    public var projectedValue: LiveModel<Document> { model }
}
#endif
