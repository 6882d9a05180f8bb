/// The same writes, with fields named by key paths: `items.increment("milk", \.qty, by: 1)`.
///
/// The compiler checks that the field is there and that the value is of its type. A key path names a stored
/// field of the document or of a struct inside it, under the names of its `CodingKeys`. Where its field cannot
/// be found by decoding samples of the type (see `unknown_key_path`), the name as text does it.
extension DocumentCollection {
    /// A key path to a field of the document.
    public typealias Field<Kind> = KeyPath<Document, Kind> & Sendable

    /// The path of the field that a key path means. Throws `invalid` with `unknown_key_path` when it is
    /// computed, or when the type does not decode from samples: an enum that is not `CaseIterable`, say; with `wrong_id`
    /// when it is the document's own id, which is no field.
    public func path<Kind: Encodable>(_ field: Field<Kind>) throws(VeilfoldError) -> FieldPath {
        try FieldFinder.path(field)
    }

    /// Puts a value into a field.
    @discardableResult
    public func set<Kind: Encodable & Sendable>(
        _ id: String, _ field: Field<Kind>, _ value: Kind
    ) async throws(VeilfoldError) -> Receipt {
        try await set(id, try path(field), value)
    }

    /// Removes a field, which the document's type has to allow: it is optional.
    @discardableResult
    public func unset<Kind: Encodable>(
        _ id: String, _ field: Field<Kind?>
    ) async throws(VeilfoldError) -> Receipt {
        try await unset(id, try path(field))
    }

    /// Adds to a whole number; a missing one counts as 0. An intent: never a lost update.
    @discardableResult
    public func increment<Kind: Encodable & FixedWidthInteger>(
        _ id: String, _ field: Field<Kind>, by: Int64 = 1
    ) async throws(VeilfoldError) -> Receipt {
        try await increment(id, try path(field), by: by)
    }

    /// The elements of a list with their ids.
    public func elements<Element: Codable & Sendable>(
        _ id: String, _ field: Field<[Element]>
    ) async throws(VeilfoldError) -> [ListElement<Element>] {
        try await elements(id, try path(field), of: Element.self)
    }

    /// Adds an element at the end of a list. Its id is the first of the receipt's ``Receipt/elements``.
    @discardableResult
    public func listAppend<Element: Encodable & Sendable>(
        _ id: String, _ field: Field<[Element]>, _ value: Element
    ) async throws(VeilfoldError) -> Receipt {
        try await listAppend(id, try path(field), value)
    }

    /// Inserts an element beside others; at the start when none is named.
    @discardableResult
    public func listInsert<Element: Encodable & Sendable>(
        _ id: String, _ field: Field<[Element]>, _ value: Element, after: String? = nil, before: String? = nil
    ) async throws(VeilfoldError) -> Receipt {
        try await listInsert(id, try path(field), value, after: after, before: before)
    }

    /// Moves an element; nothing happens when it is gone.
    @discardableResult
    public func listMove<Element: Encodable>(
        _ id: String, _ field: Field<[Element]>, _ element: String, after: String? = nil, before: String? = nil
    ) async throws(VeilfoldError) -> Receipt {
        try await listMove(id, try path(field), element, after: after, before: before)
    }

    /// Removes an element; nothing happens when it is gone.
    @discardableResult
    public func listRemove<Element: Encodable>(
        _ id: String, _ field: Field<[Element]>, _ element: String
    ) async throws(VeilfoldError) -> Receipt {
        try await listRemove(id, try path(field), element)
    }

    /// A collaborative text in a document; its field is a `String`.
    public func text(_ id: String, _ field: Field<String>) throws(VeilfoldError) -> CollaborativeText {
        text(id, try path(field))
    }

    /// A collaborative text that may be missing.
    public func text(_ id: String, _ field: Field<String?>) throws(VeilfoldError) -> CollaborativeText {
        text(id, try path(field))
    }
}
