import Veilfold
import VeilfoldTesting
import XCTest

private struct Gig: Codable, Sendable, Equatable {
    var left = 3
}

/// Version 1 of the resolver, right or with a mistake.
private func selling(tooMuch: Int) -> Resolver {
    Resolver("gigs", of: Gig.self) { gig, call in
        Gig(left: (gig ?? Gig()).left - (try call.arguments(as: Int.self)) - tooMuch)
    }
}

/// Devices that came to different documents: noticed, and mended by the next version of the app.
final class RootTests: XCTestCase {
    /// A state root is attached after so many.
    private let entries = 256

    private func divergence(_ client: Client) -> Task<Event?, any Error> {
        heard(client) { if case .diverged = $0 { true } else { false } }
    }

    func testAMistakenResolverIsNoticedNamedAndMended() async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        func open(_ name: String, _ resolver: Resolver, version: String) async throws -> Client {
            try await Veilfold.open(
                .file(stores.file(name)), relay: relay.url, name: name, resolvers: [resolver], appVersion: version)
        }
        let alice = try await open("alice", selling(tooMuch: 0), version: "1")
        var bob = try await open("bob", selling(tooMuch: 1), version: "1")
        let ours = try await alice.createSpace()
        var theirs = try await share(ours, with: bob)
        let (noticed, looked) = (divergence(alice), divergence(bob))
        let notes = ours.collection("notes")
        try await ours.collection("gigs").call("tonight", "buy", 1)
        for n in 0..<entries { _ = try await notes.put("note", ["n": .int(Int64(n))]).settled() }
        try await theirs.reached(try await ours.synced().seq)
        var gig = try await theirs.collection("gigs", of: Gig.self).get("tonight")
        XCTAssertEqual(gig, Gig(left: 1), "that is the mistake")
        // Attaches no root of its own before it has folded the log again.
        guard case .diverged(_, _, 1, _, _)? = try await looked.value else { return XCTFail("not about Alice") }
        _ = try await theirs.collection("notes").put("other", [:]).settled()
        guard case .diverged(let space, let seq, let author, _, _)? = try await noticed.value else {
            return XCTFail("not noticed")
        }
        XCTAssertEqual(space, ours.id)
        XCTAssertEqual([seq, author], [Int64(entries), 2])
        gig = try await theirs.collection("gigs", of: Gig.self).get("tonight")
        XCTAssertEqual(gig, Gig(left: 1), "nothing is taken over")
        try await bob.close()

        bob = try await open("bob", selling(tooMuch: 0), version: "2")
        let healed = heard(bob) { if case .healed = $0 { true } else { false } }
        theirs = try await bob.space(ours.id)
        try await notes.put("note", ["n": .int(Int64(entries))])
        try await theirs.reached(try await ours.synced().seq)
        guard case .healed(_, _, _, let documents, let count)? = try await healed.value else {
            return XCTFail("not healed")
        }
        XCTAssertEqual(documents, [DocumentKey(collection: "gigs", id: "tonight")])
        XCTAssertEqual(count, 1)
        gig = try await theirs.collection("gigs", of: Gig.self).get("tonight")
        XCTAssertEqual(gig, Gig(left: 2))
        let (one, other) = (try await ours.stateRoot(), try await theirs.stateRoot())
        XCTAssertEqual(one, other)
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }
}
