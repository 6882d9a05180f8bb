/// Writes of fields in a transaction, by their path and by key paths.
extension Transaction {
    /// Puts a value at a path, making the document and objects on the way.
    public func set<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ value: any Encodable
    ) throws(VeilfoldError) {
        try stage(Action.set(collection.key(id), path, try ValueEncoder.value(value)))
    }

    /// Puts a value into a field.
    public func set<Document, Kind: Encodable>(
        _ collection: DocumentCollection<Document>, _ id: String, _ field: KeyPath<Document, Kind>, _ value: Kind
    ) throws(VeilfoldError) {
        try set(collection, id, try FieldFinder.path(field), value)
    }

    /// Removes what is at a path; nothing there is no error.
    public func unset<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath
    ) throws(VeilfoldError) {
        try stage(Action.unset(collection.key(id), path))
    }

    /// Puts fields into the document, or into the object at a path, leaving its others.
    public func merge<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ fields: Value.Object,
        into path: FieldPath = .document
    ) throws(VeilfoldError) {
        try stage(Action.merge(collection.key(id), path, .object(fields)))
    }

    /// Adds to a whole number; a missing one counts as 0.
    public func increment<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, by: Int64 = 1
    ) throws(VeilfoldError) {
        try stage(Action.increment(collection.key(id), path, by))
    }

    /// Adds to a whole number; a missing one counts as 0.
    public func increment<Document, Kind: Encodable & FixedWidthInteger>(
        _ collection: DocumentCollection<Document>, _ id: String, _ field: KeyPath<Document, Kind>, by: Int64 = 1
    ) throws(VeilfoldError) {
        try increment(collection, id, try FieldFinder.path(field), by: by)
    }

    /// Adds an element at the end of a list.
    public func listAppend<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ value: any Encodable
    ) throws(VeilfoldError) {
        try stage(Action.listAppend(collection.key(id), path, try ValueEncoder.value(value)))
    }

    /// Inserts an element beside others; at the start when none is named.
    public func listInsert<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ value: any Encodable,
        after: String? = nil, before: String? = nil
    ) throws(VeilfoldError) {
        let value = try ValueEncoder.value(value)
        try stage(Action.listInsert(collection.key(id), path, value, after, before))
    }

    /// Moves an element; nothing happens when it is gone.
    public func listMove<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ element: String,
        after: String? = nil, before: String? = nil
    ) throws(VeilfoldError) {
        try stage(Action.listMove(collection.key(id), path, element, after, before))
    }

    /// Removes an element; nothing happens when it is gone.
    public func listRemove<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ element: String
    ) throws(VeilfoldError) {
        try stage(Action.listRemove(collection.key(id), path, element))
    }

    /// Adds a truth value, whole number or string to a set.
    public func setAdd<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ member: any Encodable
    ) throws(VeilfoldError) {
        try stage(Action.setAdd(collection.key(id), path, try ValueEncoder.value(member)))
    }

    /// Removes from a set.
    public func setRemove<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ member: any Encodable
    ) throws(VeilfoldError) {
        try stage(Action.setRemove(collection.key(id), path, try ValueEncoder.value(member)))
    }

    /// Puts a new collaborative text at a path.
    public func textCreate<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ text: String = ""
    ) throws(VeilfoldError) {
        try stage(Action.textCreate(collection.key(id), path, text))
    }

    /// Edits a collaborative text, each splice on what the one before leaves.
    public func textEdit<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ path: FieldPath, _ splices: [Splice]
    ) throws(VeilfoldError) {
        try stage(Action.textEdit(collection.key(id), path, splices))
    }
}
