internal import VeilfoldFFI

/// Writes of whole documents and of fields by their path, each an intent of its own.
extension DocumentCollection {
    /// Makes a document; rejected when one of that id exists.
    @discardableResult
    public func create(_ id: String, _ document: Document) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.whole("create", key(id), try shape.fields(id, document)))
    }

    /// Puts a whole document, replacing one of that id.
    @discardableResult
    public func put(_ id: String, _ document: Document) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.whole("put", key(id), try shape.fields(id, document)))
    }

    /// Puts a value at a path, making the document and objects on the way.
    @discardableResult
    public func set(
        _ id: String, _ path: FieldPath, _ value: any Encodable & Sendable
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.set(key(id), path, try ValueEncoder.value(value)))
    }

    /// Removes what is at a path; nothing there is no error.
    @discardableResult
    public func unset(_ id: String, _ path: FieldPath) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.unset(key(id), path))
    }

    /// Puts fields into the document, or into the object at a path, leaving its others.
    @discardableResult
    public func merge(
        _ id: String, _ fields: Value.Object, into path: FieldPath = .document
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.merge(key(id), path, .object(fields)))
    }

    /// Adds to a whole number; a missing one counts as 0. An intent: never a lost update.
    @discardableResult
    public func increment(
        _ id: String, _ path: FieldPath, by: Int64 = 1
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.increment(key(id), path, by))
    }

    /// Deletes a document; nothing happens when it is gone.
    @discardableResult
    public func delete(_ id: String) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.delete(key(id)))
    }

    /// Copies a document as it is visible now into another space, into the collection of the same name. Lists, sets
    /// and collaborative texts stay what they are, without their history; later changes to either are not seen by
    /// the other. Works offline. `nil` when there is no such document.
    ///
    /// The receipt is one of the target's space, and so are the errors: `invalid` with `rejected` when it has a
    /// document of that id.
    @discardableResult
    public func copy(
        _ id: String, to target: Space, as newID: String? = nil
    ) async throws(VeilfoldError) -> Receipt? {
        try await copy(id, to: DocumentCollection(space: target.native, name: name), as: newID)
    }

    /// The same into another collection, of this space or another.
    @discardableResult
    public func copy(
        _ id: String, to target: DocumentCollection, as newID: String? = nil
    ) async throws(VeilfoldError) -> Receipt? {
        let copied = try await answered {
            try await space.copyDocument(
                collection: name, id: id, target: target.space, targetCollection: target.name,
                targetId: newID ?? id
            ).optionalReceipt()
        }
        guard let copied else { return nil }
        return try Receipt(copied)
    }

    /// Adds an element at the end of a list, making the list when there is none. Its id is the first of the
    /// receipt's ``Receipt/elements``.
    @discardableResult
    public func listAppend(
        _ id: String, _ path: FieldPath, _ value: any Encodable & Sendable
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.listAppend(key(id), path, try ValueEncoder.value(value)))
    }

    /// Inserts an element after another if it is still there, else before the other, else at the end; at the
    /// start when neither is named.
    @discardableResult
    public func listInsert(
        _ id: String, _ path: FieldPath, _ value: any Encodable & Sendable,
        after: String? = nil, before: String? = nil
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.listInsert(key(id), path, try ValueEncoder.value(value), after, before))
    }

    /// Moves an element; nothing happens when it is gone.
    @discardableResult
    public func listMove(
        _ id: String, _ path: FieldPath, _ element: String, after: String? = nil, before: String? = nil
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.listMove(key(id), path, element, after, before))
    }

    /// Removes an element; nothing happens when it is gone.
    @discardableResult
    public func listRemove(
        _ id: String, _ path: FieldPath, _ element: String
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.listRemove(key(id), path, element))
    }

    /// Adds a truth value, whole number or string to a set, making it when there is none. It reads as a list
    /// without duplicates.
    @discardableResult
    public func setAdd(
        _ id: String, _ path: FieldPath, _ member: any Encodable & Sendable
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.setAdd(key(id), path, try ValueEncoder.value(member)))
    }

    /// Removes from a set.
    @discardableResult
    public func setRemove(
        _ id: String, _ path: FieldPath, _ member: any Encodable & Sendable
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.setRemove(key(id), path, try ValueEncoder.value(member)))
    }

    func commit(_ action: Value) async throws(VeilfoldError) -> Receipt {
        try await space.committed(action)
    }
}

extension DocumentCollection where Document: Identifiable, Document.ID == String {
    /// Makes a document under its own id; rejected when one of that id exists.
    @discardableResult
    public func create(_ document: Document) async throws(VeilfoldError) -> Receipt {
        try await create(document.id, document)
    }

    /// Puts a whole document under its own id, replacing one that is there.
    @discardableResult
    public func put(_ document: Document) async throws(VeilfoldError) -> Receipt {
        try await put(document.id, document)
    }
}

extension VeilfoldFFI.Space {
    /// Commits one action.
    func committed(_ action: Value) async throws(VeilfoldError) -> Receipt {
        let data = try Action.data(action)
        return try Receipt(try await answered { try await commit(actions: data).receipt() })
    }
}
