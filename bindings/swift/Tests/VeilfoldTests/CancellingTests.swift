import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// What becomes of calls whose task is cancelled.
final class CancellingTests: XCTestCase {
    /// Does something in a task that is cancelled before.
    private func cancelled<Answer: Sendable>(
        _ call: @escaping @Sendable () async throws -> Answer
    ) async -> Result<Answer, any Error> {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await call()
        }
        task.cancel()
        return await task.result
    }

    func testReadsEnd() async throws {
        try await alone { alice, space in
            let items = space.collection("items", of: Item.self)
            try await items.put(.milk)
            let receipt = try await items.increment("milk", \.qty)
            let reads: [@Sendable () async throws -> Void] = [
                { _ = try await items.get("milk") }, { _ = try await items.all() }, { _ = try await items.rows() },
                { _ = try await items.elements("milk", "tags") }, { _ = try await items.text("milk", "t").read() },
                { _ = try await space.status() }, { _ = try await space.members() },
                { _ = try await space.stateRoot() }, { _ = try await receipt.fate() },
                { _ = try await alice.spaces() }, { _ = try await alice.status() },
            ]
            for (number, read) in reads.enumerated() {
                // One whose answer is there already gives it.
                let result = await cancelled { for _ in 0..<10_000 { try await read() } }
                let thrown = await code { try result.get() }
                XCTAssertEqual(thrown, "cancelled", "read \(number)")
            }
        }
    }

    func testAllDocumentsAreReadNoFurther() async throws {
        try await alone { _, space in
            let result = await cancelled { try await space.collection("c").rows() }
            let thrown = await code { _ = try result.get() }
            XCTAssertEqual(thrown, "cancelled")
        }
    }

    func testWritesAreWhole() async throws {
        try await alone { _, space in
            let items = space.collection("items", of: Item.self)
            let put = await cancelled { try await items.put(.milk) }
            let more = await cancelled { try await items.increment("milk", \.qty) }
            let founded = await cancelled { try await space.collection("c").copy("a", to: space, as: "b") }
            XCTAssertNil(try founded.get(), "there is nothing to copy")
            let milk = try await items.get("milk")
            XCTAssertEqual(milk?.qty, 2)
            for receipt in [try put.get(), try more.get()] {
                let fate = try await space.receipt(receipt.id).fate()
                XCTAssertNil(fate, "pending")
            }
            // A transaction has not begun to write.
            let transacted = await cancelled { try await space.transact { tx in try tx.delete(items, "milk") } }
            XCTAssertThrowsError(try transacted.get()) { XCTAssertTrue($0 is CancellationError) }
            let still = try await items.get("milk")
            XCTAssertNotNil(still)
        }
    }

    func testLoopsEnd() async throws {
        try await alone { alice, space in
            let c = space.collection("c")
            let started = Box(0)
            let loops = [
                Task { for try await _ in c.live() { started.change { $0 += 1 } } },
                Task { for try await _ in c.live("a") { started.change { $0 += 1 } } },
                Task { for try await _ in space.statusStream() { started.change { $0 += 1 } } },
                Task { for try await _ in alice.events() {} },
                Task { for try await _ in space.fates() {} },
            ]
            while started.value < 3 { try await Task.sleep(nanoseconds: 1_000_000) }
            for loop in loops { loop.cancel() }
            // Each ends without an error, and without anything happening in the space.
            for loop in loops { try await loop.value }
            let status = try await space.status()
            XCTAssertEqual(status.state, .offline)
        }
    }

    func testWaitsEnd() async throws {
        // It has a connection and hears of nothing that is ordered, so that no wait comes to its end.
        let (relay, stores) = (try await HostileRelay.start(), try TestStores())
        let alice = try await stores.open("alice", at: relay.lyingURL)
        let space = try await alice.createSpace()
        try await relay.lie(.delays)
        let receipt = try await space.collection("c").put("a", [:])
        let waits: [@Sendable () async throws -> Void] = [
            { _ = try await receipt.settled() }, { _ = try await space.reached(1_000_000) },
            { _ = try await space.synced() }, { _ = try await alice.syncOnce(timeout: 600) },
        ]
        for (number, wait) in waits.enumerated() {
            let begun = Box(false)
            let task = Task {
                begun.change { $0 = true }
                try await wait()
            }
            while !begun.value { await Task.yield() }
            // Most are under way then; for none it makes a difference.
            try await Task.sleep(nanoseconds: 5_000_000)
            task.cancel()
            for result in [await task.result, await cancelled(wait)] {
                XCTAssertThrowsError(try result.get(), "wait \(number)") { XCTAssertTrue($0 is CancellationError, "\($0)") }
            }
        }
        try await alice.close()
        try await relay.stop()
    }
}
