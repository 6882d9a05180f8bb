import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// Functions that run until what they read still holds.
final class TransactionTests: XCTestCase {
    private struct Mine: Error {}

    func testItIsRunAgainUntilWhatItReadHolds() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            try await c.put("a", ["n": 1])
            let runs = Box(0)
            let done = try await space.transact { tx -> Int64 in
                let run = runs.change { runs in
                    runs += 1
                    return runs
                }
                let n = try tx.get(c, "a")?["n"]?.int ?? 0
                if run < 3 {
                    // Somebody else's write, finished before this function goes on.
                    let written = DispatchSemaphore(value: 0)
                    Task {
                        try await c.increment("a", "n")
                        written.signal()
                    }
                    written.wait()
                }
                try tx.set(c, "a", "n", n + 10)
                return try tx.get(c, "a")?["n"]?.int ?? 0
            }
            XCTAssertEqual(runs.value, 3)
            XCTAssertEqual(done.value, 13)
            let fate = try await done.receipt?.fate()
            XCTAssertNil(fate ?? nil)
            let a = try await c.get("a")
            XCTAssertEqual(a, ["n": 13])
        }
    }

    func testAWholeCollectionIsReadAndANewDocumentIsAConflict() async throws {
        try await alone { _, space in
            let bookings = space.collection("bookings")
            for number in 0..<501 {
                try await bookings.put("\(1000 + number)", ["seats": 1])
            }
            let seen = Box<[Int]>([])
            try await space.transact { tx in
                let count = try tx.all(bookings).count
                let runs = seen.change { seen in
                    seen.append(count)
                    return seen.count
                }
                if runs == 1 {
                    let written = DispatchSemaphore(value: 0)
                    Task {
                        try await bookings.put("late", ["seats": 2])
                        written.signal()
                    }
                    written.wait()
                }
                try tx.put(bookings, "mine", ["seats": 3])
                try tx.delete(bookings, "1000")
                // The run that is committed sees its own actions, and nothing that moved under it.
                if runs == 2 { XCTAssertEqual(try tx.all(bookings).count, count) }
            }
            XCTAssertEqual(seen.value, [501, 502])
        }
    }

    func testWhatThrowsWritesNothingAndComesOut() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            do {
                try await space.transact { tx in
                    try tx.put(c, "a", [:])
                    throw Mine()
                }
                XCTFail("nothing was thrown")
            } catch is Mine {}
            let rejected = await code {
                try await space.transact { tx in
                    try tx.expect(c, "a")
                    try tx.put(c, "b", [:])
                }
            }
            XCTAssertEqual(rejected, "rejected")
            let kept = Box<Transaction?>(nil)
            let idle = try await space.transact { tx in
                kept.change { $0 = tx }
                return "idle"
            }
            XCTAssertEqual(idle.value, "idle")
            XCTAssertNil(idle.receipt)
            let late = await code { try kept.value?.put(c, "late", [:]) }
            XCTAssertEqual(late, "transaction_over")
            let rows = try await c.rows()
            XCTAssertEqual(rows, [])
        }
    }

    func testManyAtOnceLoseNoUpdate() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        for _ in 0..<5 {
                            try await space.transact { tx in
                                let n = try tx.get(c, "n")?["n"]?.int ?? 0
                                try tx.set(c, "n", "n", n + 1)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let n = try await c.get("n")
            XCTAssertEqual(n, ["n": 30])
        }
    }

    func testEveryOperationWorksInside() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            let done = try await space.transact { tx in
                try tx.create(c, "a", ["n": 1])
                try tx.expect(c, "a", "n", .atLeast(1))
                try tx.expect(c, "a", "n", .atMost(1))
                try tx.expect(c, "a", "n", .equals(1))
                try tx.expect(c, "b", .document, .missing)
                try tx.increment(c, "a", "n")
                try tx.merge(c, "a", ["x": 1, "y": 2])
                try tx.unset(c, "a", "x")
                try tx.setAdd(c, "a", "s", "m")
                try tx.setAdd(c, "a", "s", 7)
                try tx.setRemove(c, "a", "s", "m")
                try tx.textCreate(c, "a", "t", "hello")
                try tx.textEdit(c, "a", "t", [Splice(at: 5, insert: "!"), Splice(at: 0, delete: 1, insert: "J")])
                try tx.listAppend(c, "a", "l", 1)
                try tx.listInsert(c, "a", "l", 0)
                try tx.put(c, "gone", [:])
                try tx.delete(c, "gone")
            }
            XCTAssertEqual(done.receipt?.elements.count, 2)
            try await space.transact { tx in
                let list = try tx.elements(c, "a", "l")
                guard list.map(\.value) == [0, 1] else { throw Mine() }
                try tx.listMove(c, "a", "l", list[0].id, after: list[1].id)
                try tx.listRemove(c, "a", "l", list[1].id)
            }
            let a = try await c.get("a")
            XCTAssertEqual(a, ["n": 2, "y": 2, "s": [7], "t": "Jello!", "l": [0]])
            let gone = try await c.get("gone")
            XCTAssertNil(gone)
        }
    }

    func testTypedDocumentsAndKeyPathsInside() async throws {
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            let stats = space.collection("stats")
            try await items.put(.milk)
            try await space.transact { tx in
                guard var milk = try tx.get(items, "milk"), !milk.done else { return }
                milk.done = true
                try tx.put(items, milk)
                try tx.increment(items, "milk", \.qty, by: 4)
                try tx.set(items, "milk", \.title, "Oat milk")
                try tx.increment(stats, "all", "bought")
            }
            let milk = try await items.get("milk")
            XCTAssertEqual(milk, Item(id: "milk", title: "Oat milk", qty: 5, done: true))
        }
    }

    func testATransactionThatIsNotWantedAnyMoreWritesNothing() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            let (running, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let task = Task {
                try await space.transact { tx in
                    try tx.put(c, "a", [:])
                    running.signal()
                    go.wait()
                }
            }
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    running.wait()
                    continuation.resume()
                }
            }
            task.cancel()
            go.signal()
            do {
                _ = try await task.value
                XCTFail("it was committed")
            } catch is CancellationError {}
            let rows = try await c.rows()
            XCTAssertEqual(rows, [])
        }
    }
}
