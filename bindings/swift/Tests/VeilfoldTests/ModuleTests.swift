import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// Resolvers compiled to WebAssembly, by the pinned bytes that every language runs.
final class ModuleTests: XCTestCase {
    /// Three tickets, at most two for each; the same rules in other bytes.
    private func tickets(_ language: String) throws -> Module {
        let pinned = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../../guests/pinned/tickets-\(language).wasm")
        return Module("tickets", try Data(contentsOf: pinned), version: 2)
    }

    func testDevicesWithTheSameBytesAgreeAndOneWithOthersWaits() async throws {
        let (relay, stores) = (try await TestRelay.start(), try TestStores())
        let alice = try await stores.open("alice", relay: relay, resolvers: [tickets("rust")])
        let bob = try await stores.open("bob", relay: relay, resolvers: [tickets("rust")])
        let carol = try await stores.open("carol", relay: relay, resolvers: [tickets("zig")])
        let ours = try await alice.createSpace()
        let theirs = try await share(ours, with: bob)
        try await theirs.reached(try await ours.synced().seq)
        let (own, others) = (ours.collection("tickets"), theirs.collection("tickets"))
        try await others.call("gig", "buy")
        guard case .confirmed = try await others.call("gig", "buy").settled() else {
            return XCTFail("not confirmed")
        }
        do throws(VeilfoldError) {
            try await others.call("gig", "buy")
            XCTFail("sold too often")
        } catch {
            XCTAssertEqual([error.code, error.detail], ["rejected", "enough for one"])
        }
        let broken = await code { try await others.call("gig", "break") }
        XCTAssertEqual(broken, "rejected")
        try await ours.reached(try await theirs.synced().seq)
        let (here, there) = (try await own.get("gig"), try await others.get("gig"))
        XCTAssertEqual(here?["free"], 1)
        XCTAssertEqual(here, there)
        let (one, other) = (try await ours.stateRoot(), try await theirs.stateRoot())
        XCTAssertEqual(one, other)

        let waiting = try await share(ours, with: carol)
        for try await status in waiting.statusStream() {
            guard let held = status.held else { continue }
            XCTAssertEqual(held, "update_required")
            break
        }
        for client in [alice, bob, carol] { try await client.close() }
        try await relay.stop()
    }

    func testWhatIsNoResolverIsRefusedWhenItIsBrought() async throws {
        let stores = try TestStores()
        for wasm in [Data(), Data("no module".utf8), Data([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])] {
            let bad = await code { _ = try await stores.open("a", resolvers: [Module("c", wasm)]) }
            XCTAssertEqual(bad, "bad_module")
        }
        let both = try [tickets("rust"), tickets("zig")]
        let twice = await code { _ = try await stores.open("a", resolvers: both) }
        XCTAssertEqual(twice, "resolver_twice")
    }
}
