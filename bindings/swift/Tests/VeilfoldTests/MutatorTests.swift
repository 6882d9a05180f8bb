import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

private struct Lot: Codable, Identifiable, Sendable, Equatable {
    var id: String
    var price = 0
}

private struct Bid: Codable, Sendable {
    var lot = "1"
    var by: Int
}

private struct Mine: Error {}

/// Reads, so that another bid in between is a conflict.
private let bid = Mutator("bid") { (tx, args: Bid) in
    let lots = tx.collection("lots", of: Lot.self)
    var lot = try tx.get(lots, args.lot) ?? Lot(id: args.lot)
    lot.price += args.by
    try tx.put(lots, lot)
}

/// Named mutators, run again by themselves; and the fates that their writers are told.
final class MutatorTests: XCTestCase {
    /// Alice's bid of 10 is ordered while Bob, who bid 5, is away; his process ended.
    private func leftBehind(
        _ story: (TestStores, TestRelay, _ space: String, _ bid: String) async throws -> Void
    ) async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        let alice = try await stores.open("alice", relay: relay, mutators: [bid])
        let bob = try await stores.open("bob", relay: relay, mutators: [bid])
        let space = try await alice.createSpace()
        let theirs = try await share(space, with: bob)
        try await theirs.reached(try await space.synced().seq)
        try await bob.disconnect()
        let receipt = try await theirs.mutate("bid", ["lot": "1", "by": 5])
        let pending = try await receipt?.fate()
        XCTAssertNil(pending)
        try await bob.close()
        let own = try await space.mutate(bid, Bid(by: 10))
        guard case .confirmed? = try await own?.settled() else { return XCTFail("not confirmed") }
        try await story(stores, relay, space.id, try XCTUnwrap(receipt).id)
        try await alice.close()
        try await relay.stop()
    }

    /// What becomes of Bob's bid in the next run of his process.
    private func toldLater(_ mutators: [any AnyMutator]) async throws -> Fate {
        var told: Fate?
        try await leftBehind { stores, relay, id, bid in
            let bob = try await stores.open("bob", mutators: mutators)
            let space = try await bob.space(id)
            let receipt = try space.receipt(bid)
            try await bob.setRelay(relay.url)
            let fate = try await receipt.settled()
            let attempts = try await receipt.attempts()
            for try await settled in space.fates() {
                XCTAssertEqual(settled.id, bid)
                XCTAssertEqual(settled.fate, fate)
                XCTAssertEqual(settled.attempts, attempts)
                XCTAssertEqual(settled.mutator, "bid")
                XCTAssertEqual(settled.missed, 0)
                break
            }
            let lot = try await space.collection("lots", of: Lot.self).get("1")
            if case .confirmed = fate { XCTAssertEqual(lot?.price, 15) } else { XCTAssertEqual(lot?.price, 10) }
            try await bob.close()
            told = fate
        }
        return try XCTUnwrap(told)
    }

    func testItRunsAgainAfterARestart() async throws {
        guard case .confirmed = try await toldLater([bid]) else { return XCTFail("not confirmed") }
    }

    func testOneThatTheAppNoLongerHasIsTold() async throws {
        guard case .refused(let why) = try await toldLater([]) else { return XCTFail("not refused") }
        XCTAssertEqual(why.code, "mutator_missing")
    }

    func testOneThatFailsIsToldAndHarmsNothingElse() async throws {
        let broken = Mutator("bid") { (tx, args: Bid) in
            try tx.set(tx.collection("lots"), args.lot, "price", 99)
            throw Mine()
        }
        let cancelling = Mutator("bid") { (_, _: Bid) in throw CancellationError() }
        let ofOtherArguments = Mutator("bid") { (_, _: [Int]) in }
        for mutator in [broken, cancelling, ofOtherArguments] as [any AnyMutator] {
            guard case .refused(let why) = try await toldLater([mutator]) else { return XCTFail("not refused") }
            XCTAssertEqual(why.code, "mutator_failed")
        }
    }

    func testOneThatFindsNothingToDoStaysRejected() async throws {
        let demanding = Mutator("bid") { (tx, args: Bid) in
            let lots = tx.collection("lots")
            try tx.expect(lots, args.lot, "price", .missing)
            try tx.set(lots, args.lot, "price", args.by)
        }
        let polite = Mutator("bid") { (tx, args: Bid) in
            let lots = tx.collection("lots", of: Lot.self)
            if try tx.get(lots, args.lot) == nil { try tx.put(lots, Lot(id: args.lot, price: args.by)) }
        }
        for mutator in [demanding, polite] {
            guard case .rejected = try await toldLater([mutator]) else { return XCTFail("not rejected") }
        }
    }

    func testBidsAtTheSameTimeAllCountOrAreTold() async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        let alice = try await stores.open("alice", relay: relay, mutators: [bid])
        let bob = try await stores.open("bob", relay: relay, mutators: [bid])
        let ours = try await alice.createSpace()
        let theirs = try await share(ours, with: bob)
        try await theirs.reached(try await ours.synced().seq)
        @Sendable func bids(_ space: Space) async throws -> [Receipt] {
            var made: [Receipt] = []
            for _ in 0..<10 {
                if let receipt = try await space.mutate(bid, Bid(by: 1)) { made.append(receipt) }
            }
            XCTAssertEqual(made.count, 10)
            return made
        }
        async let one = bids(ours)
        async let other = bids(theirs)
        var (held, last) = (0, Int64(0))
        for receipt in try await one + other {
            switch try await receipt.settled() {
            case .confirmed(let position): (held, last) = (held + 1, max(last, position.seq))
            case .rejected: break
            case .refused(let why): XCTFail(why.code)
            }
        }
        for space in [ours, theirs] {
            try await space.reached(last)
            let lot = try await space.collection("lots", of: Lot.self).get("1")
            XCTAssertEqual(lot?.price, held)
        }
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }

    func testWhatIsWrongWithACallIsTold() async throws {
        let stores = try TestStores()
        let another = Mutator("bid") { (_, _: Bid) in }
        let twice = await code { _ = try await stores.open("alice", mutators: [bid, another]) }
        XCTAssertEqual(twice, "mutator_twice")
        let raising = Mutator("raise") { (_, _: Value) in throw Mine() }
        let idle = Mutator("idle") { (tx, _: Value) in _ = try tx.get(tx.collection("c"), "none") }
        let echo = Mutator("echo") { (tx, args: Value) in try tx.set(tx.collection("c"), "a", "args", args) }
        let alice = try await stores.open("alice", mutators: [bid, raising, idle, echo])
        let space = try await alice.createSpace()
        let wrong = await code { try await space.mutate(another, Bid(by: 1)) }
        XCTAssertEqual(wrong, "mutator_missing")
        let missing = await code { try await space.mutate("nobody", .null) }
        XCTAssertEqual(missing, "mutator_missing")
        let type = await code { try await space.mutate("bid", "text") }
        XCTAssertEqual(type, "wrong_type")
        let nan = await code { try await space.mutate("bid", .double(.nan)) }
        XCTAssertEqual(nan, "bad_json")
        do {
            try await space.mutate(raising, .null)
            XCTFail("nothing was thrown")
        } catch is Mine {}
        let nothing = try await space.mutate(idle, .null)
        XCTAssertNil(nothing)
        try await space.mutate(echo, [1, 1.0])
        let kept = try await space.collection("c").get("a")
        XCTAssertEqual(kept, ["args": [1, 1.0]])
        try await alice.close()
    }

    func testFatesComeUntilTheyAreTaken() async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        var alice = try await stores.open("alice", relay: relay)
        var space = try await alice.createSpace()
        var ids: [String] = []
        for _ in 0..<103 { ids.append(try await space.collection("c").increment("a", "n").id) }
        try await space.synced()
        // The first batch is taken when the second is asked for, which is not taken.
        var got: [SettledFate] = []
        for try await settled in space.fates() {
            got.append(settled)
            if got.count == 101 { break }
        }
        XCTAssertEqual(got.map(\.id), Array(ids.prefix(101)))
        XCTAssertTrue(got.allSatisfy { $0.attempts == 1 && $0.mutator == nil && $0.missed == 0 })
        try await alice.close()

        alice = try await stores.open("alice")
        space = try await alice.space(space.id)
        let fates = space.fates()
        let (begun, gate) = AsyncStream<Void>.makeStream()
        let rest = Task {
            var rest: [String] = []
            for try await settled in fates {
                rest.append(settled.id)
                gate.yield()
            }
            return rest
        }
        for await _ in begun { break }
        try await alice.close()
        let again = try await rest.value
        XCTAssertEqual(again, Array(ids.dropFirst(100)))
        try await relay.stop()
    }

    func testAClientThatIsDroppedClosesItsStore() async throws {
        let stores = try TestStores()
        var dropped: Client? = try await stores.open("alice", mutators: [bid])
        XCTAssertNotNil(dropped)
        dropped = nil
        for attempt in 1... {
            do {
                try await stores.open("alice").close()
                return
            } catch VeilfoldError.invalid(code: "store_in_use", _) where attempt < 200 {
                try await Task.sleep(nanoseconds: 20_000_000)
            }
        }
    }
}
