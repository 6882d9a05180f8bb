import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// Streams: what they tell, closed, forgotten.
final class StreamTests: XCTestCase {
    func testChangesSayWhatIsDifferent() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("b", ["n": 1])
            var changes = c.changes().makeAsyncIterator()
            let first = try await changes.next()
            XCTAssertEqual(first?.inserted.map(\.id), ["b"])
            try await c.put("a", [:])
            let second = try await changes.next()
            XCTAssertEqual(second?.rows.map(\.id), ["a", "b"])
            XCTAssertEqual(second?.inserted.map(\.id), ["a"])
            try await c.increment("b", "n")
            let third = try await changes.next()
            XCTAssertEqual(third?.updated, [Row(id: "b", document: ["n": 2])])
            try await c.delete("a")
            let fourth = try await changes.next()
            XCTAssertEqual(fourth?.removed, ["a"])
            XCTAssertEqual(fourth?.rows.map(\.id), ["b"])
        }
    }

    func testOneDocumentIsWatchedThroughItsLife() async throws {
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            var states = items.live("milk").makeAsyncIterator()
            let none = try await states.next()
            XCTAssertEqual(none, .some(nil))
            try await items.put(Item(id: "other", title: "", qty: 0, done: false))
            try await items.put(.milk)
            let there = try await states.next()
            XCTAssertEqual(there, .milk)
            try await items.increment("milk", \.qty)
            let more = try await states.next()
            XCTAssertEqual(more??.qty, 2)
            try await items.delete("milk")
            let gone = try await states.next()
            XCTAssertEqual(gone, .some(nil))
        }
    }

    func testClosingEndsStreamsAndWaits() async throws {
        let stores = try TestStores()
        // Nobody is there, so that the events begin with a failed attempt.
        let alice = try await stores.open("alice", at: URL(string: "ws://127.0.0.1:1"))
        let space = try await alice.createSpace()
        let c = space.collection("c")
        let receipt = try await c.put("a", [:])
        let started = Box<Set<String>>([])
        let streams = [
            Task { for try await _ in c.live() { started.change { $0.insert("rows") } } },
            Task { for try await _ in c.live("a") { started.change { $0.insert("row") } } },
            Task { for try await _ in space.statusStream() { started.change { $0.insert("status") } } },
            Task { for try await _ in alice.events() { started.change { $0.insert("events") } } },
        ]
        let settled = Task { try await receipt.settled() }
        while started.value.count < streams.count { try await Task.sleep(nanoseconds: 1_000_000) }
        try await alice.close()
        try await alice.close()
        for stream in streams { try await stream.value }
        let calls: [() async throws -> Void] = [
            { _ = try await settled.value }, { _ = try await c.get("a") }, { try await c.put("a", [:]) },
            { _ = try await alice.createSpace() }, { for try await _ in c.live() {} },
            { try await space.transact { tx in try tx.put(c, "b", [:]) } },
        ]
        for call in calls {
            let thrown = await code(call)
            XCTAssertEqual(thrown, "closed")
        }
    }

    func testAThousandLiveQueriesComeAndGo() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("a", [:])
            for _ in 0..<10 {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            for try await rows in c.live() { return rows.count }
                            return 0
                        }
                    }
                    for try await count in group { XCTAssertEqual(count, 1) }
                }
            }
            try await c.put("b", [:])
            let all = try await c.all()
            XCTAssertEqual(all.count, 2)
        }
    }

    func testASlowReaderGetsTheNewestState() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            var live = c.live().makeAsyncIterator()
            _ = try await live.next()
            for n in 0..<200 { try await c.put("a", ["n": .int(Int64(n))]) }
            var seen = 0
            while let rows = try await live.next() {
                seen += 1
                if rows == [["n": 199]] { break }
            }
            XCTAssertLessThan(seen, 200)
        }
    }

    func testADocumentOfAnotherShapeEndsATypedQuery() async throws {
        try await alone { _, space in
            try await space.collection("items").put("x", ["title": 1])
            let thrown = await code { for try await _ in space.collection("items", of: Item.self).live() {} }
            XCTAssertEqual(thrown, "wrong_type")
        }
    }
}
