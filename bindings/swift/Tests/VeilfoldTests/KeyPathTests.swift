import Foundation
import XCTest

@testable import Veilfold

final class KeyPathTests: XCTestCase {
    enum Colour: String, Codable, CaseIterable, Sendable { case red, green }
    enum Closed: String, Codable, Sendable { case one }

    struct Price: Codable, Sendable, Equatable {
        var net: Double
        var gross: Double?
    }

    struct Thing: Codable, Identifiable, Sendable {
        var id: String
        var name: String
        var count: Int
        var other: Int
        var yes: Bool
        var no: Bool
        var maybe: Bool?
        var colour: Colour
        var price: Price
        var only: Only
        var tags: [String]
        var when: Date
        var home: URL
        var map: [String: Int]
        var free: Value

        enum CodingKeys: String, CodingKey {
            case id, name, other, yes, no, maybe, colour, price, only, tags, when, home, map, free
            case count = "n"
        }

        struct Only: Codable, Sendable, Equatable { var one: Int }

        var label: String { "a thing" }
        var doubled: Int { count * 2 }
    }

    private func keys<Kind: Encodable>(_ field: KeyPath<Thing, Kind>) throws -> [String] {
        try FieldFinder.path(field).keys ?? []
    }

    func testFieldsOfEveryKindAreFound() throws {
        XCTAssertEqual(try keys(\.name), ["name"])
        XCTAssertEqual(try keys(\.other), ["other"])
        XCTAssertEqual(try keys(\.yes), ["yes"])
        XCTAssertEqual(try keys(\.no), ["no"])
        XCTAssertEqual(try keys(\.maybe), ["maybe"])
        XCTAssertEqual(try keys(\.colour), ["colour"])
        XCTAssertEqual(try keys(\.tags), ["tags"])
        XCTAssertEqual(try keys(\.when), ["when"])
        XCTAssertEqual(try keys(\.home), ["home"])
        XCTAssertEqual(try keys(\.map), ["map"])
        XCTAssertEqual(try keys(\.free), ["free"])
    }

    func testADocumentsOwnIdIsNoField() async throws {
        struct Ticket: Codable, Sendable {
            var id: String
            var item: Item
        }
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            try await items.put(.milk)
            for write in [
                { _ = try await items.set("milk", \.id, "bread") },
                { _ = try await space.transact { tx in try tx.set(items, "milk", \.id, "bread") } },
            ] {
                let thrown = await code(write)
                XCTAssertEqual(thrown, "wrong_id")
            }
            let stored = try await space.collection("items").get("milk")
            XCTAssertEqual(stored, ["title": "Milk", "qty": 1, "done": false])
        }
        // Fields of that name are fields where they are not the document's own.
        XCTAssertEqual(try FieldFinder.path(\Ticket.id).keys, ["id"])
        XCTAssertEqual(try FieldFinder.path(\Ticket.item.id).keys, ["item", "id"])
    }

    func testNamesAreThoseOfTheCodingKeys() throws {
        XCTAssertEqual(try keys(\.count), ["n"])
    }

    func testNestedFieldsAndTheirObjectsAreToldApart() throws {
        XCTAssertEqual(try keys(\.price), ["price"])
        XCTAssertEqual(try keys(\.price.net), ["price", "net"])
        XCTAssertEqual(try keys(\.price.gross), ["price", "gross"])
        XCTAssertEqual(try keys(\.only), ["only"])
        XCTAssertEqual(try keys(\.only.one), ["only", "one"])
    }

    func testManyTruthValuesAreToldApart() throws {
        struct Flags: Codable, Sendable { var a, b, c, d, e, f, g, h, i: Bool }
        XCTAssertEqual(try FieldFinder.path(\Flags.a).keys, ["a"])
        XCTAssertEqual(try FieldFinder.path(\Flags.e).keys, ["e"])
        XCTAssertEqual(try FieldFinder.path(\Flags.i).keys, ["i"])
    }

    func testWhatIsComputedIsRefused() {
        for call in [{ try self.keys(\.label) }, { try self.keys(\.doubled) }] {
            XCTAssertThrowsError(try call()) { error in
                XCTAssertEqual((error as? VeilfoldError)?.code, "unknown_key_path")
            }
        }
    }

    func testATypeThatDoesNotDecodeFromSamplesIsRefused() {
        struct Odd: Codable, Sendable {
            var closed: Closed
            var n: Int
        }
        XCTAssertThrowsError(try FieldFinder.path(\Odd.n)) { error in
            XCTAssertEqual((error as? VeilfoldError)?.code, "unknown_key_path")
        }
    }

    func testATypeThatContainsItselfEnds() throws {
        final class Tree: Codable, Sendable {
            let n: Int
            let children: [Tree]
            let next: Tree?
        }
        XCTAssertEqual(try FieldFinder.path(\Tree.n).keys, ["n"])
        XCTAssertEqual(try FieldFinder.path(\Tree.children).keys, ["children"])
    }
}
