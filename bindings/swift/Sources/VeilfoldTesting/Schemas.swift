import Foundation
import Veilfold

/// Sample documents that versions of an app wrote, in a folder of its own tests:
/// `<folder>/<collection>/<name>.json`.
///
/// Documents outlive the version that wrote them, on this device and on others. Record an example with every
/// version that changes a type, commit the files, and never change one:
///
/// ```swift
/// let schemas = Schemas(folder: URL(fileURLWithPath: #filePath).deletingLastPathComponent())
/// try schemas.record(Item(title: "Milk"), as: "2026-03", in: "items")
/// try schemas.check(Item.self, in: "items")
/// ```
public struct Schemas: Sendable {
    /// What is wrong with the documents or their type.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private let folder: URL

    public init(folder: URL) {
        self.folder = folder
    }

    /// Writes today's example once. Throws a ``Failure`` when another one has that name.
    public func record<Document: Codable & Sendable>(
        _ document: Document, as name: String, in collection: String
    ) throws {
        for part in [collection, name] where part.isEmpty || part == ".." || part.contains("/") {
            throw Failure(description: "\"\(part)\" cannot be the name of a file")
        }
        let today = try StoredDocument.json(document)
        let file = folder.appendingPathComponent(collection).appendingPathComponent("\(name).json")
        if FileManager.default.fileExists(atPath: file.path) {
            guard try StoredDocument.same(Data(contentsOf: file), today) else {
                throw Failure(
                    description: "\(file.path) was recorded with another document; record this one under a new name")
            }
            return
        }
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try (today + Data("\n".utf8)).write(to: file, options: .atomic)
    }

    /// Reads every document recorded for a collection, and gives their number. Throws a ``Failure`` when there
    /// is none, or when one does not read; all that do not are named. An `id` of the type is the file's name.
    @discardableResult
    public func check<Document: Codable & Sendable>(
        _ type: Document.Type, in collection: String
    ) throws -> Int {
        let place = folder.appendingPathComponent(collection)
        let all = (try? FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)) ?? []
        let files = all.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
        if files.isEmpty {
            throw Failure(description: "\(place.path) holds no documents; record one first")
        }
        var wrong: [String] = []
        for file in files {
            do {
                let id = file.deletingPathExtension().lastPathComponent
                try StoredDocument.read(type, id: id, json: Data(contentsOf: file))
            } catch {
                wrong.append("\(file.path): \(error)")
            }
        }
        if !wrong.isEmpty {
            let files = wrong.joined(separator: "\n")
            throw Failure(description: "documents of older versions do not read any more:\n\(files)")
        }
        return files.count
    }
}
