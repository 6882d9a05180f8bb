import Foundation
import VeilfoldTesting
import XCTest

final class SchemasTests: XCTestCase {
    private struct FirstItem: Codable, Identifiable {
        var id: String
        var title: String
        var gone = 1
    }

    private struct Item: Codable, Identifiable {
        var id: String
        var title: String
        var done: Bool?
    }

    private struct StricterItem: Codable {
        var title: String
        var owner: String
    }

    private struct OtherItem: Codable {
        var title: Int
    }

    private var folder = FileManager.default.temporaryDirectory

    override func setUp() {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("schemas-\(UUID().uuidString)")
    }

    override func tearDownWithError() throws {
        if FileManager.default.fileExists(atPath: folder.path) { try FileManager.default.removeItem(at: folder) }
    }

    private func recorded() throws -> Schemas {
        let schemas = Schemas(folder: folder)
        try schemas.record(FirstItem(id: "milk", title: "Milk"), as: "2025", in: "items")
        try schemas.record(Item(id: "tea", title: "Tea", done: true), as: "2026", in: "items")
        return schemas
    }

    private func failure(_ work: () throws -> Void) -> String {
        var said = ""
        XCTAssertThrowsError(try work()) { said = "\($0)" }
        return said
    }

    func testOldDocumentsReadWithTodaysType() throws {
        XCTAssertEqual(try recorded().check(Item.self, in: "items"), 2)
    }

    func testATypeThatOldDocumentsDoNotFitIsNamedWithTheFiles() throws {
        let schemas = try recorded()
        let said = failure { try schemas.check(StricterItem.self, in: "items") }
        XCTAssertTrue(said.contains("2025.json") && said.contains("2026.json"), said)
        XCTAssertTrue(failure { try schemas.check(OtherItem.self, in: "items") }.contains("2025.json"))
    }

    func testWhatIsRecordedIsNeverWrittenAnew() throws {
        let schemas = try recorded()
        let file = folder.appendingPathComponent("items/2025.json")
        let before = try Data(contentsOf: file)
        try schemas.record(FirstItem(id: "another", title: "Milk"), as: "2025", in: "items")
        let other = FirstItem(id: "milk", title: "Oat milk")
        XCTAssertTrue(failure { try schemas.record(other, as: "2025", in: "items") }.contains("under a new name"))
        XCTAssertEqual(try Data(contentsOf: file), before)
    }

    func testNothingRecordedIsNoSuccess() throws {
        let schemas = Schemas(folder: folder)
        XCTAssertTrue(failure { try schemas.check(Item.self, in: "items") }.contains("record one first"))
        let item = Item(id: "a", title: "b")
        XCTAssertTrue(failure { try schemas.record(item, as: "one", in: "..") }.contains("name of a file"))
    }
}
