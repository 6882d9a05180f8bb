import Foundation
import VeilfoldTesting
import XCTest

@testable import Veilfold

/// One letter in two Unicode forms, which Swift takes for equal and Veilfold does not.
private let (one, two) = ("\u{e9}", "e\u{301}")

private let both: Value = ["\u{e9}": 1, "e\u{301}": 2]

private func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }

/// Ids and names that differ only in their Unicode form stay two, as in every other language.
final class UnicodeTests: XCTestCase {
    func testValuesAreEqualWhenTheirBytesAre() throws {
        XCTAssertEqual(one, two, "or this test is about nothing")
        XCTAssertNotEqual(Value.string(one), Value.string(two))
        XCTAssertEqual(Set([Value.string(one), Value.string(two)]).count, 2)
        XCTAssertEqual(Set([both, both, ["\u{e9}": 2, "e\u{301}": 1]]).count, 2)
        XCTAssertNotEqual(DocumentKey(collection: "c", id: one), DocumentKey(collection: "c", id: two))
        XCTAssertNotEqual(Row(id: one, document: 1), Row(id: two, document: 1))
        XCTAssertNotEqual(FieldPath([.key(one)]), FieldPath([.key(two)]))
        XCTAssertNotEqual(FieldPath.Part.key(one), .key(two))
    }

    func testAnObjectIsInTheOrderOfItsNamesBytes() throws {
        var object: Value.Object = ["z": 1, "\u{e9}": 2, "a": 3, "e\u{301}": 4, "a": 5]
        XCTAssertEqual(bytes(object.keys), bytes(["a", two, "z", one]))
        XCTAssertEqual(object.values, [5, 4, 1, 2])
        object[two] = nil
        object["b"] = 6
        object["z"] = 7
        object["nothing"] = nil
        XCTAssertEqual(object, ["a": 5, "b": 6, "z": 7, "\u{e9}": 2])
        XCTAssertNil(object[two])
        let text = #"{"é":1,"e\#u{301}":2,"é":3}"#
        let read = try Value(json: Data(text.utf8))
        XCTAssertEqual(read.object?.count, 2)
        XCTAssertEqual(String(decoding: try read.json(), as: UTF8.self), #"{"e\#u{301}":2,"é":3}"#)
    }

    func testDocumentsOfBothIdsLiveBesideEachOther() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            var changes = c.changes().makeAsyncIterator()
            _ = try await changes.next()
            try await c.put(one, ["n": 1])
            _ = try await changes.next()
            try await space.transact { tx in
                try tx.put(c, two, ["n": 2])
                try tx.increment(c, one, "n")
                let all = try tx.all(c)
                XCTAssertEqual(all, [["n": 2], ["n": 2]])
            }
            let change = try await changes.next()
            XCTAssertEqual(bytes(change?.rows.map(\.id) ?? []), bytes([two, one]))
            XCTAssertEqual(bytes(change?.inserted.map(\.id) ?? []), bytes([two]))
            XCTAssertEqual(bytes(change?.updated.map(\.id) ?? []), bytes([one]))
            let rows = try await c.rows()
            XCTAssertEqual(bytes(rows.map(\.id)), bytes([two, one]))
            try await c.delete(one)
            let after = try await changes.next()
            XCTAssertEqual(bytes(after?.removed ?? []), bytes([one]))
            XCTAssertEqual(bytes(after?.rows.map(\.id) ?? []), bytes([two]))
            let left = try await c.get(two)
            XCTAssertEqual(left, ["n": 2])
        }
    }

    func testWhatIsReadAndPutBackKeepsBothFields() async throws {
        struct Poll: Codable, Sendable, Equatable {
            var votes: Value.Object
        }
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("a", both)
            try await c.set("a", [.key(two)], 3)
            guard let read = try await c.get("a") else { return XCTFail("it is gone") }
            try await c.put("b", read)
            try await c.merge("b", ["\u{e9}": 5, "e\u{301}": 6], into: "more")
            let copy = try await c.get("b")
            XCTAssertEqual(copy?[one], 1)
            XCTAssertEqual(copy?[two], 3)
            XCTAssertEqual(copy?["more"], ["\u{e9}": 5, "e\u{301}": 6])

            let polls = space.collection("polls", of: Poll.self)
            try await polls.put("a", Poll(votes: ["\u{e9}": 1, "e\u{301}": 2]))
            guard let poll = try await polls.get("a") else { return XCTFail("it is gone") }
            XCTAssertEqual(poll.votes.values, [2, 1])
            try await polls.put("b", poll)
            let again = try await space.collection("polls").get("b")
            XCTAssertEqual(again, ["votes": both])
            let field = try polls.path(\.votes)
            XCTAssertEqual(field.keys, ["votes"])
        }
    }

    func testATypeThatCannotHoldBothIsToldInsteadOfLosingOne() async throws {
        struct Poll: Codable, Sendable {
            var votes: [String: Int]
        }
        struct Tags: Codable, Sendable {
            var tags: Set<String>
        }
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("a", ["votes": both])
            try await c.setAdd("a", "tags", one)
            try await c.setAdd("a", "tags", two)
            let set = try await c.get("a")
            XCTAssertEqual(set?["tags"]?.array?.count, 2)
            for read in [
                { _ = try await space.collection("c", of: Poll.self).get("a") },
                { _ = try await space.collection("c", of: Tags.self).get("a") },
            ] {
                let thrown = await code(read)
                XCTAssertEqual(thrown, "wrong_type")
            }
            // What Swift can hold, it may.
            try await c.put("b", ["votes": ["\u{e9}": 1], "tags": ["e\u{301}"]])
            let votes = try await space.collection("c", of: Poll.self).get("b")?.votes
            let tags = try await space.collection("c", of: Tags.self).get("b")?.tags
            XCTAssertEqual(votes, [one: 1])
            XCTAssertEqual(tags, [two])
        }
        XCTAssertThrowsError(try JSONEncoder().encode(both))
    }

    func testADocumentsOwnIdIsItsBytes() async throws {
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            let item = Item(id: one, title: "", qty: 1, done: false)
            let wrong = await code { try await items.put(two, item) }
            XCTAssertEqual(wrong, "wrong_id")
            try await items.put(item)
            let other = try await items.get(two)
            XCTAssertNil(other)
        }
    }

    func testMutatorsAndResolversOfBothNamesAreTwo() async throws {
        let stores = try TestStores()
        let writes = { (name: String) in
            Mutator(name) { (tx, n: Int) in try tx.set(tx.collection("c"), "a", [.key(name)], n) }
        }
        let resolver = { (name: String) in Resolver(name) { fields, _ in fields } }
        let client = try await stores.open(
            "alice", mutators: [writes(one), writes(two)], resolvers: [resolver(one), resolver(two)])
        let space = try await client.createSpace()
        _ = try await space.mutate(one, 1)
        _ = try await space.mutate(two, 2)
        let written = try await space.collection("c").get("a")
        XCTAssertEqual(written, both)
        try await client.close()
    }

    func testAResolverSeesAndKeepsBoth() async throws {
        let votes = Resolver("votes") { state, call in
            var fields = state?.object ?? [:]
            let name = try call.arguments(as: String.self)
            fields[name] = .int((fields[name]?.int ?? 0) + 1)
            return .object(fields)
        }
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        let alice = try await stores.open("alice", relay: relay, resolvers: [votes])
        let bob = try await stores.open("bob", relay: relay, resolvers: [votes])
        let ours = try await alice.createSpace()
        let theirs = try await share(ours, with: bob)
        try await theirs.reached(try await ours.synced().seq)
        for (space, id) in [(ours, one), (ours, two), (theirs, two)] {
            for name in [one, two, two] {
                guard case .confirmed = try await space.collection("votes").call(id, "vote", name).settled() else {
                    return XCTFail("not confirmed")
                }
            }
        }
        let seq = try await theirs.synced().seq
        for space in [ours, theirs] {
            try await space.reached(seq)
            let rows = try await space.collection("votes").rows()
            let (first, second): (Value, Value) = (["\u{e9}": 2, "e\u{301}": 4], ["\u{e9}": 1, "e\u{301}": 2])
            XCTAssertEqual(rows, [Row(id: two, document: first), Row(id: one, document: second)])
        }
        let roots = (try await ours.stateRoot(), try await theirs.stateRoot())
        XCTAssertEqual(roots.0, roots.1)
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }
}
