import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

private struct Gig: Codable, Sendable, Equatable {
    var left = 3
}

private struct NewGig: Codable, Sendable, Equatable {
    var free = 3
    var by: Int64?
}

/// Three tickets, sold once each.
private let gigs = Resolver("gigs", of: Gig.self) { gig, call in
    let (left, wanted) = ((gig ?? Gig()).left, try call.arguments(as: Int.self))
    guard call.name == "buy", left >= wanted else { throw Resolver.Refusal("sold out") }
    return Gig(left: left - wanted)
}

/// The same with another name in the document; understands the calls of version 1.
private let newGigs = Resolver(
    "gigs", version: 2, of: NewGig.self, migrate: { _, fields in ["free": fields["left"] ?? 3] }
) { gig, call in
    let (free, wanted) = ((gig ?? NewGig()).free, try call.arguments(as: Int.self))
    guard call.name == "buy", free >= wanted else { throw Resolver.Refusal("sold out") }
    return NewGig(free: free - wanted, by: call.author)
}

/// Resolvers of the app: what they refuse, versions side by side, and resolvers that misbehave.
final class ResolverTests: XCTestCase {
    private struct Two {
        let (stores, relay, alice, bob): (TestStores, TestRelay, Client, Client)
        let (ours, theirs): (Space, Space)
    }

    private func together(_ resolvers: [Resolver], _ story: (Two) async throws -> Void) async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        let alice = try await stores.open("alice", relay: relay, resolvers: resolvers)
        let bob = try await stores.open("bob", relay: relay, resolvers: resolvers)
        let ours = try await alice.createSpace()
        let theirs = try await share(ours, with: bob)
        try await theirs.reached(try await ours.synced().seq)
        try await story(
            Two(stores: stores, relay: relay, alice: alice, bob: bob, ours: ours, theirs: theirs))
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }

    private func held(_ space: Space) async throws -> SpaceStatus {
        for try await status in space.statusStream() where status.held != nil { return status }
        throw CancellationError()
    }

    func testTicketsAreSoldOnceWhoeverWasOffline() async throws {
        try await together([gigs]) { two in
            let own = two.ours.collection("gigs", of: Gig.self)
            let others = two.theirs.collection("gigs", of: Gig.self)
            try await two.bob.disconnect()
            let late = try await others.call("tonight", "buy", 2)
            var gig = try await others.get("tonight")
            XCTAssertEqual(gig?.left, 1, "visible at once")
            guard case .confirmed = try await own.call("tonight", "buy", 2).settled() else {
                return XCTFail("not confirmed")
            }
            do {
                try await own.call("tonight", "buy", 2)
                XCTFail("sold too often")
            } catch VeilfoldError.invalid(let code, let detail) {
                XCTAssertEqual([code, detail], ["rejected", "sold out"])
            }
            try await two.bob.connect()
            guard case .rejected(let why) = try await late.settled() else { return XCTFail("not rejected") }
            XCTAssertEqual([why.code, why.detail], ["refused_by_resolver", "sold out"])
            XCTAssertEqual(why.document, DocumentKey(collection: "gigs", id: "tonight"))
            let stats = two.theirs.collection("stats")
            let done = try await two.theirs.transact { tx in
                try tx.call(others, "tonight", "buy", 1)
                try tx.increment(stats, "all", "sold")
            }
            guard case .confirmed? = try await done.receipt?.settled() else { return XCTFail("not confirmed") }
            let around = await code { try await others.set("tonight", "left", 9) }
            XCTAssertEqual(around, "rejected")
            try await two.ours.reached(try await two.theirs.synced().seq)
            gig = try await own.get("tonight")
            XCTAssertEqual(gig?.left, 0)
            let (one, other) = (try await two.ours.stateRoot(), try await two.theirs.stateRoot())
            XCTAssertEqual(one, other)
            let news = try await two.ours.enableResolvers()
            XCTAssertNil(news)
        }
    }

    func testOneThatThrowsRejectsAndItsDeveloperHearsOfIt() async throws {
        let breaks = Resolver("c") { _, call in
            if call.name == "now" || call.position != nil { throw CancellationError() }
            return ["n": 1]
        }
        try await together([breaks]) { two in
            let event = heard(two.alice) { if case .resolverFailed = $0 { true } else { false } }
            try await Task.sleep(nanoseconds: 50_000_000)
            let c = two.ours.collection("c")
            let now = await code { try await c.call("a", "now") }
            XCTAssertEqual(now, "rejected")
            guard case .rejected(let why) = try await c.call("a", "later").settled() else {
                return XCTFail("not rejected")
            }
            XCTAssertEqual(why.code, "resolver_failed")
            let told = try await event.value
            XCTAssertEqual(told, .resolverFailed(space: two.ours.id, collection: "c", seq: why.position.seq))
            try await two.theirs.reached(why.position.seq)
            let rows = try await two.theirs.collection("c").rows()
            XCTAssertEqual(rows, [])
        }
    }

    func testCallsThatAreAskedForTogetherComeOutAsAlone() async throws {
        let odd = Resolver("c") { state, call in
            var fields = state?.object ?? [:]
            fields["n"] = .int((fields["n"]?.int ?? 0) + 1)
            guard call.position != nil else { return .object(fields) }
            switch call.arguments {
            case "refuse": throw Resolver.Refusal("no")
            case "nan": fields["a"] = .double(.nan)
            case "deep": for _ in 0..<40 { fields["a"] = .array([fields["a"] ?? .null]) }
            case "text": return "text"
            case "a": fields["a"] = [1, 1.0]
            default: break
            }
            return .object(fields)
        }
        try await together([odd]) { two in
            try await two.bob.disconnect()
            var receipts: [Receipt] = []
            for arguments in ["", "refuse", "nan", "deep", "text", "a", ""] {
                receipts.append(try await two.theirs.collection("c").call("a", "do", arguments))
            }
            try await two.bob.connect()
            var (codes, last): ([String], Int64) = ([], 0)
            for receipt in receipts {
                switch try await receipt.settled() {
                case .confirmed(let position): (codes, last) = (codes + ["confirmed"], max(last, position.seq))
                case .rejected(let why): codes.append(why.code)
                case .refused(let why): XCTFail(why.code)
                }
            }
            let failed = Array(repeating: "resolver_failed", count: 3)
            XCTAssertEqual(codes, ["confirmed", "refused_by_resolver"] + failed + ["confirmed", "confirmed"])
            for space in [two.ours, two.theirs] {
                try await space.reached(last)
                let a = try await space.collection("c").get("a")
                XCTAssertEqual(a, ["n": 3, "a": [1, 1.0]])
            }
            let (one, other) = (try await two.ours.stateRoot(), try await two.theirs.stateRoot())
            XCTAssertEqual(one, other)
        }
    }

    func testTwoVersionsOfTheAppSideBySide() async throws {
        try await together([gigs]) { two in
            _ = try await two.theirs.collection("gigs").call("tonight", "buy", 1).settled()
            try await two.ours.reached(try await two.theirs.synced().seq)
            try await two.alice.close()
            let event = heard(two.bob) { if case .held = $0 { true } else { false } }
            try await two.bob.disconnect()
            let waiting = try await two.theirs.collection("gigs").call("tonight", "buy", 1)

            let alice = try await two.stores.open("alice", relay: two.relay, resolvers: [gigs, newGigs])
            let ours = try await alice.space(two.ours.id)
            guard case .confirmed? = try await ours.enableResolvers()?.settled() else {
                return XCTFail("not confirmed")
            }
            let migrated = try await ours.collection("gigs", of: NewGig.self).get("tonight")
            XCTAssertEqual(migrated, NewGig(free: 2), "a copy is migrated")
            _ = try await ours.collection("gigs").call("tonight", "buy", 1).settled()
            try await two.bob.connect()
            let status = try await held(two.theirs)
            XCTAssertEqual(status.state, .held)
            XCTAssertEqual(status.held, "update_required")
            let told = try await event.value
            let expected = Event.held(space: ours.id, why: "update_required", collection: "gigs", version: 2)
            XCTAssertEqual(told, expected)
            let old = try await two.theirs.collection("gigs", of: Gig.self).get("tonight")
            XCTAssertEqual(old, Gig(left: 1), "stays readable")
            try await two.bob.close()

            let bob = try await two.stores.open("bob", relay: two.relay, resolvers: [gigs, newGigs])
            let theirs = try await bob.space(ours.id)
            try await ours.collection("notes").put("a", [:])
            guard case .confirmed = try await theirs.receipt(waiting.id).settled() else {
                return XCTFail("not confirmed")
            }
            let now = try await theirs.status()
            XCTAssertNil(now.held)
            try await ours.reached(try await theirs.synced().seq)
            let gig = try await ours.collection("gigs", of: NewGig.self).get("tonight")
            XCTAssertEqual(gig, NewGig(free: 0, by: 2))
            let (one, other) = (try await ours.stateRoot(), try await theirs.stateRoot())
            XCTAssertEqual(one, other)
            try await alice.close()
            try await bob.close()
        }
    }

    func testOneThatNeverAnswersHoldsItsSpaceAndNoOther() async throws {
        let gate = DispatchSemaphore(value: 0)
        let waits = Resolver("c") { _, call in
            if call.position != nil {
                _ = gate.wait(timeout: .now() + 30)
                gate.signal()
            }
            return ["n": 1]
        }
        try await together([waits]) { two in
            let other = try await two.alice.createSpace()
            let receipt = try await two.ours.collection("c").call("a", "do")
            let status = try await held(two.ours)
            XCTAssertEqual(status.held, "resolver_stuck")
            let visible = try await two.ours.collection("c").get("a")
            XCTAssertEqual(visible, ["n": 1])
            guard case .confirmed = try await other.collection("d").put("a", [:]).settled() else {
                return XCTFail("the other space stands still")
            }
            gate.signal()
            guard case .confirmed = try await receipt.settled() else { return XCTFail("not confirmed") }
        }
    }

    func testWhatIsWrongWithAResolverIsTold() async throws {
        let stores = try TestStores()
        let another = Resolver("gigs") { fields, _ in fields }
        let twice = await code { _ = try await stores.open("alice", resolvers: [gigs, another]) }
        XCTAssertEqual(twice, "resolver_twice")
        let none = Resolver("c", version: 0) { fields, _ in fields }
        let version = await code { _ = try await stores.open("alice", resolvers: [none]) }
        XCTAssertEqual(version, "bad_version")
    }
}
