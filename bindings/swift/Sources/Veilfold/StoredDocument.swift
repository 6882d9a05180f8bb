import Foundation

/// Documents of an app as a collection stores and reads them, without a client: for `VeilfoldTesting`.
package enum StoredDocument {
    /// What is stored of a document, as JSON for people. The id is not in it.
    package static func json<Document: Codable & Sendable>(_ document: Document) throws -> Data {
        var id = ""
        if let own = (document as? any Identifiable)?.id as? String { id = own }
        return try JSONWriter.data(try DocumentShape<Document>().fields(id, document))
    }

    /// Throws when the type does not read the document.
    package static func read<Document: Codable & Sendable>(_ type: Document.Type, id: String, json: Data) throws {
        _ = try DocumentShape<Document>().read(id, json)
    }

    /// Whether two texts are the same JSON.
    package static func same(_ one: Data, _ other: Data) throws -> Bool {
        try JSONReader.value(one) == JSONReader.value(other)
    }
}
