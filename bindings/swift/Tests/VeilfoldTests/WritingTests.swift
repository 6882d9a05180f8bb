import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// What one client does with its own documents, without any relay.
final class WritingTests: XCTestCase {
    func testEveryKindOfWriteIsVisibleAtOnce() async throws {
        try await alone { _, space in
            XCTAssertEqual(space.name, "s")
            XCTAssertEqual(space.id.count, 64)
            let items = space.collection("items")
            try await items.create("milk", ["qty": 1, "tags": ["a"]])
            try await items.increment("milk", "qty", by: 2)
            try await items.set("milk", "price.net", 1.0)
            try await items.set("milk", ["price", "net.eu"], true)
            try await items.merge("milk", ["gross": 2], into: "price")
            try await items.merge("milk", ["title": "Milk"])
            try await items.setAdd("milk", "labels", "cold")
            let note = items.text("milk", "note")
            try await note.create("fresh milk")
            try await note.insert("est 🥛", at: 5)
            try await note.delete(at: 8, count: 2)
            let text = try await note.read()
            XCTAssertEqual(text, "freshest milk")
            let receipt = try await items.listAppend("milk", "tags", ["name": "b"])
            let tags = try await items.elements("milk", "tags")
            XCTAssertEqual(receipt.elements, [tags[1].id])
            XCTAssertEqual(tags[1].value, ["name": "b"])
            try await items.set("milk", ["tags", .element(tags[1].id), "name"], "B")
            try await items.set("milk", FieldPath("tags.#\(tags[1].id).n"), 1)
            try await items.listMove("milk", "tags", tags[0].id, after: tags[1].id)
            try await items.listInsert("milk", "tags", "start")
            let milk = try await items.get("milk")
            XCTAssertEqual(
                milk,
                [
                    "qty": 3, "title": "Milk", "price": ["net": 1.0, "net.eu": true, "gross": 2],
                    "labels": ["cold"], "note": "freshest milk", "tags": ["start", ["name": "B", "n": 1], "a"],
                ])
            try await items.listRemove("milk", "tags", tags[1].id)
            try await items.setRemove("milk", "labels", "cold")
            try await items.unset("milk", "price")
            try await items.put("bread", [:])
            let rows = try await items.rows()
            XCTAssertEqual(rows.map(\.id), ["bread", "milk"])
            XCTAssertEqual(rows[1].document["tags"], ["start", "a"])
            XCTAssertNil(rows[1].document["price"])
            try await items.delete("milk")
            let gone = try await items.get("milk")
            XCTAssertNil(gone)
            let fate = try await receipt.fate()
            XCTAssertNil(fate)
        }
    }

    func testTypedDocumentsHaveTheirIdOnce() async throws {
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            try await items.put(.milk)
            let milk = try await items.get("milk")
            XCTAssertEqual(milk, .milk)
            let raw = try await space.collection("items").get("milk")
            XCTAssertEqual(raw, ["title": "Milk", "qty": 1, "done": false])
            try await items.put(Item(id: "bread", title: "Bread", qty: 2, done: true))
            let all = try await items.all()
            XCTAssertEqual(all.map(\.id), ["bread", "milk"])
            let wrong = await code { try await items.put("other", .milk) }
            XCTAssertEqual(wrong, "wrong_id")
        }
    }

    func testFieldsAreWrittenByKeyPath() async throws {
        struct Note: Codable, Sendable, Equatable {
            var body: String?
            var likes: Int
            var tags: [String]
        }
        try await alone { _, space in
            let notes = space.collection("notes", of: Note.self)
            try await notes.put("n", Note(body: nil, likes: 0, tags: []))
            try await notes.increment("n", \.likes, by: 3)
            try await notes.increment("n", \.likes)
            try await notes.listAppend("n", \.tags, "b")
            try await notes.listInsert("n", \.tags, "a")
            let tags = try await notes.elements("n", \.tags)
            XCTAssertEqual(tags.map(\.value), ["a", "b"])
            try await notes.listMove("n", \.tags, tags[0].id, after: tags[1].id)
            try await notes.text("n", \.body).create("hi")
            let note = try await notes.get("n")
            XCTAssertEqual(note, Note(body: "hi", likes: 4, tags: ["b", "a"]))
            try await notes.listRemove("n", \.tags, tags[0].id)
            try await notes.unset("n", \.body)
            try await notes.set("n", \.likes, 1)
            let left = try await notes.get("n")
            XCTAssertEqual(left, Note(body: nil, likes: 1, tags: ["b"]))
        }
    }

    func testNumbersKeepTypeAndBits() async throws {
        let numbers: [Value] = [
            1.0, 9_007_199_254_740_993, .double(-0.0), 1e300, 1, 0.1, .double(.leastNonzeroMagnitude), .int(.min), .int(.max), true,
        ]
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("n", ["numbers": .array(numbers)])
            let read = try await c.get("n")?["numbers"]?.array ?? []
            XCTAssertEqual(read, numbers)
            XCTAssertEqual(read.map(\.double?.bitPattern), numbers.map(\.double?.bitPattern))
            for bad in [Value.double(.nan), .double(.infinity)] {
                let thrown = await code { try await c.put("bad", ["value": bad]) }
                XCTAssertEqual(thrown, "bad_json")
            }
            let bytes = await code { try await c.set("bad", "value", Data([1, 2])) }
            XCTAssertEqual(bytes, "bad_json")
            let gone = try await c.get("bad")
            XCTAssertNil(gone)
        }
    }

    func testAWrongCallSaysSoAndChangesNothing() async throws {
        try await alone { alice, space in
            let c = space.collection("c")
            try await c.put("a", ["text": "x"])
            let calls: [(() async throws -> Void, String)] = [
                ({ try await c.set("a", "x..y", 1) }, "bad_path"),
                ({ try await c.increment("a", "text") }, "rejected"),
                ({ try await c.create("a", [:]) }, "rejected"),
                ({ try await c.put("", [:]) }, "bad_action"),
                ({ try await c.put("b", 1) }, "bad_json"),
                ({ try await c.listRemove("a", "l", "nonsense") }, "bad_element"),
                ({ try await c.setAdd("a", "s", 1.5) }, "bad_set_member"),
                ({ _ = try await alice.join("nonsense") }, "bad_ticket"),
                ({ _ = try await alice.space(String(repeating: "0", count: 64)) }, "unknown_space"),
                ({ _ = try await alice.space("nonsense") }, "bad_space_id"),
                ({ try await alice.setRelay(URL(string: "http://x")) }, "bad_relay_url"),
                ({ _ = try await space.addMember("nonsense") }, "bad_card"),
                ({ _ = try await space.receipt("0000000000000000").settled() }, "fate_forgotten"),
                ({ _ = try await c.text("a", ["l", .element("x")]).read() }, "bad_path"),
            ]
            for (call, expected) in calls {
                let thrown = await code(call)
                XCTAssertEqual(thrown, expected)
            }
            let rows = try await c.rows()
            XCTAssertEqual(rows.map(\.document), [["text": "x"]])
        }
    }

    func testADocumentOfAnotherShapeIsNamedWhenItIsRead() async throws {
        try await alone { _, space in
            try await space.collection("items").put("x", ["title": 1])
            let items = space.collection("items", of: Item.self)
            let thrown = await code { _ = try await items.get("x") }
            XCTAssertEqual(thrown, "wrong_type")
            let all = await code { _ = try await items.all() }
            XCTAssertEqual(all, "wrong_type")
        }
    }

    func testManyDocumentsAreReadPageByPage() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            for start in stride(from: 0, to: 1100, by: 100) {
                try await space.transact { tx in
                    for n in start..<start + 100 { try tx.put(c, String(format: "%05d", n), ["n": .int(Int64(n))]) }
                }
            }
            let rows = try await c.rows()
            XCTAssertEqual(rows.map { $0.document["n"]?.int }, (0..<1100).map { Int64($0) })
        }
    }

    func testACancelledWriteIsWholeOrNotThere() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            for n in 0..<60 {
                let task = Task {
                    try await space.transact { tx in
                        try tx.increment(c, "a", "n")
                        try tx.increment(c, "b", "n")
                    }
                }
                try await Task.sleep(nanoseconds: UInt64(n) * 50_000)
                task.cancel()
                _ = await task.result
            }
            let (a, b) = (try await c.get("a"), try await c.get("b"))
            XCTAssertEqual(a, b)
            try await c.put("after", [:])
            let after = try await c.get("after")
            XCTAssertEqual(after, [:])
        }
    }

    func testErrorsReadAsText() {
        let error = VeilfoldError.invalid(code: "closed", detail: "the client is closed")
        XCTAssertEqual(error.localizedDescription, "the client is closed")
        XCTAssertEqual("\(error)", "closed: the client is closed")
        XCTAssertEqual(error.code, "closed")
    }
}
