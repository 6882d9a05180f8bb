import Foundation

/// Finds the field that a key path of a document's type means.
///
/// Several documents are made by decoding samples, in which every leaf has its own series of values. The
/// field is the one whose encoded value is, in all of them, what the key path reads. So names are those of
/// the type's own `CodingKeys`, nested structs work, and no reflection is needed. A key path to something
/// that is computed, or a type that does not decode from samples (an enum that is not `CaseIterable`, a
/// string that has to have a form), is refused: give the field's name as text there.
enum FieldFinder<Document: Codable & Sendable> {
    static func path<Field: Encodable>(_ keyPath: KeyPath<Document, Field>) throws(VeilfoldError) -> FieldPath {
        if let known = FieldCache.shared.path(keyPath) { return known }
        let samples = try samples()
        var found: [[String]]?
        for sample in samples {
            let wanted = try ValueEncoder.value(sample.document[keyPath: keyPath])
            let matching = (found ?? paths(sample.value)).filter { value(sample.value, at: $0) == wanted }
            found = matching
        }
        guard let found, found.count == 1, let keys = found.first else {
            throw refused("no single field of \(Document.self) always has its value")
        }
        if keys == ["id"], DocumentShape<Document>().identified {
            throw .invalid(code: "wrong_id", detail: "the id of a document is no field of it: put it under another id")
        }
        let path = FieldPath(keys.map(FieldPath.Part.key))
        FieldCache.shared.keep(path, for: keyPath)
        return path
    }

    private struct Sample {
        let document: Document
        let value: Value
    }

    /// As many that every two leaves of one type differ in at least one of them.
    private static func samples() throws(VeilfoldError) -> [Sample] {
        let leaves = Leaves()
        var samples: [Sample] = []
        var wanted = 2
        while samples.count < wanted {
            leaves.round = samples.count
            do {
                let document = try SampleDecoder(leaves: leaves, codingPath: []).decode(Document.self)
                samples.append(Sample(document: document, value: try ValueEncoder.value(document)))
            } catch {
                throw refused("\(Document.self) does not decode from samples")
            }
            // One round for each bit of the highest number, and one in which all of them differ from 0.
            wanted = 2 + (Int.bitWidth - leaves.count.leadingZeroBitCount)
        }
        return samples
    }

    private static func paths(_ value: Value) -> [[String]] {
        guard case .object(let fields) = value else { return [] }
        return fields.flatMap { key, value in [[key]] + paths(value).map { [key] + $0 } }
    }

    private static func value(_ value: Value, at path: [String]) -> Value? {
        path.reduce(value) { $0?[$1] }
    }

    private static func refused(_ why: String) -> VeilfoldError {
        .invalid(code: "unknown_key_path", detail: "\(why); give the field's name as text instead")
    }
}

/// Key paths whose fields are known.
private final class FieldCache: @unchecked Sendable {
    static let shared = FieldCache()
    private let lock = NSLock()
    private var paths: [AnyKeyPath: FieldPath] = [:]

    func path(_ keyPath: AnyKeyPath) -> FieldPath? {
        lock.withLock { paths[keyPath] }
    }

    func keep(_ path: FieldPath, for keyPath: AnyKeyPath) {
        lock.withLock { paths[keyPath] = path }
    }
}
