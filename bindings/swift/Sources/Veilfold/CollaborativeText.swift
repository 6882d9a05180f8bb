internal import VeilfoldFFI

/// A collaborative text in a document, which reads as a string. What several devices type meets in it.
///
/// Offsets count Unicode scalars (`text.unicodeScalars`) of the text as it is visible now; what others type
/// meanwhile stays. Works offline. Throws as the collection's writes do.
public struct CollaborativeText: Sendable {
    let space: VeilfoldFFI.Space
    let key: DocumentKey
    let path: FieldPath

    /// Puts a new text in its place.
    @discardableResult
    public func create(_ text: String = "") async throws(VeilfoldError) -> Receipt {
        try await space.committed(Action.textCreate(key, path, text))
    }

    /// Inserts at an offset.
    @discardableResult
    public func insert(_ text: String, at offset: Int) async throws(VeilfoldError) -> Receipt {
        try await edit([Splice(at: offset, insert: text)])
    }

    /// Deletes from an offset.
    @discardableResult
    public func delete(at offset: Int, count: Int) async throws(VeilfoldError) -> Receipt {
        try await edit([Splice(at: offset, delete: count)])
    }

    /// Several splices in order, each on the text that the one before leaves.
    @discardableResult
    public func edit(_ splices: [Splice]) async throws(VeilfoldError) -> Receipt {
        try await space.committed(Action.textEdit(key, path, splices))
    }

    /// The text as it is visible, `nil` when there is none. Not for texts inside list elements: read those
    /// with the document.
    public func read() async throws(VeilfoldError) -> String? {
        guard let keys = path.keys else {
            throw .invalid(code: "bad_path", detail: "a text in a list element is read with its document")
        }
        let data = try await answered { try await space.get(collection: key.collection, id: key.id).optionalJson() }
        guard let data else { return nil }
        return keys.reduce(Optional(try JSONReader.value(data))) { $0?[$1] }?.string
    }
}
