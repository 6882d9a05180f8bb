import Foundation
import XCTest

/// What is promised of the sources: nothing generated is public, and no error of the library ends the app.
final class SurfaceTests: XCTestCase {
    private let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

    private func files(_ folder: String) throws -> [(String, String)] {
        let folder = sources.appendingPathComponent(folder)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return try paths.filter { $0.hasSuffix(".swift") }.map { path in
            (path, try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8))
        }
    }

    func testTheGeneratedModuleIsImportedInternally() throws {
        let files = try files("Veilfold")
        XCTAssertGreaterThan(files.count, 25)
        for (name, text) in files {
            for line in text.split(separator: "\n") where line.contains("import VeilfoldFFI") {
                XCTAssertEqual(line, "internal import VeilfoldFFI", name)
            }
        }
    }

    func testNothingThatFailsIsForced() throws {
        for (name, text) in try files("Veilfold") + files("VeilfoldTesting") {
            for word in ["try!", "as!", "fatalError", "preconditionFailure"] {
                XCTAssertFalse(text.contains(word), "\(name) has \(word)")
            }
        }
        // The generated layer forces what cannot fail: cloning and freeing a handle, and its own tables.
        for (_, text) in try files("VeilfoldFFI") {
            for line in text.split(separator: "\n") where line.contains("try!") {
                let allowed = ["rustCall", "uniffiTraitInterface", "readInt", "handleMap"].contains { line.contains($0) }
                XCTAssertTrue(allowed, String(line))
            }
            XCTAssertFalse(text.contains("async throws -> ()  {try!"))
        }
    }

    func testEverythingPublicIsDocumented() throws {
        let heads = ["public func", "public static func", "public struct", "public final class", "public enum", "public actor"]
        for (name, text) in try files("Veilfold") + files("VeilfoldTesting") {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            for (index, line) in lines.enumerated() where heads.contains(where: line.hasPrefix) {
                // What a protocol of the standard library or a framework asks for is documented there.
                let known = [
                    "makeAsyncIterator", "encode(to", "static func ==", "loadRoot", "storeRoot", "deleteRoot",
                    "receive<",
                ]
                if known.contains(where: line.contains) { continue }
                var above = index - 1
                while above >= 0, lines[above].hasPrefix("@") { above -= 1 }
                XCTAssertTrue(lines[above].hasPrefix("///"), "\(name):\(index + 1) \(line)")
            }
        }
    }
    func testEveryTypeHasAFullName() throws {
        let files = try files("Veilfold")
        let heads = ["public final class ", "public struct ", "public enum ", "public protocol "]
        let names = files.flatMap { _, text in
            text.split(separator: "\n").compactMap { line -> Substring? in
                guard let head = heads.first(where: line.hasPrefix) else { return nil }
                return line.dropFirst(head.count).prefix { $0.isLetter }
            }
        }
        XCTAssertGreaterThan(names.count, 40)
        let aliases = files.first { $0.0 == "FullNames.swift" }?.1 ?? ""
        for name in names where name != "Veilfold" {
            XCTAssertTrue(aliases.contains("\n    public typealias \(name)"), String(name))
        }
    }
}
