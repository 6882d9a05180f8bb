import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// A relay that lies, as apps meet it in their tests, and how a client stands.
final class HostileTests: XCTestCase {
    /// Alice is at the honest door, Bob at the lying one, and both have the first value.
    private func couple(_ story: (HostileRelay, Client, Space, Space) async throws -> Void) async throws {
        let relay = try await HostileRelay.start()
        let stores = try TestStores()
        let alice = try await stores.open("Alice", at: relay.url)
        let bob = try await stores.open("Bob", at: relay.lyingURL)
        let ours = try await alice.createSpace()
        let theirs = try await share(ours, with: bob)
        try await write(ours, 1)
        try await theirs.reached(try await ours.status().seq)
        try await story(relay, bob, ours, theirs)
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }

    /// Writes one value after the other; each is in the order before the next.
    private func write(_ space: Space, _ values: Int64...) async throws {
        for value in values {
            try await space.collection("numbers").put("n", ["value": .int(value)])
            try await space.synced()
        }
    }

    private func read(_ space: Space) async throws -> Value? {
        try await space.collection("numbers").get("n")?["value"]
    }

    func testWhatGoesWrongHasTheErrorOfThisModule() async throws {
        let relay = try await HostileRelay.start()
        try await relay.stop()
        let thrown = await code { try await relay.lie(.forks) }
        XCTAssertEqual(thrown, "stopped")
    }

    private func caught(_ space: Space) async throws -> String {
        for try await status in space.statusStream() {
            if case .forked(let fault) = status.state { return fault }
        }
        return ""
    }

    private func live(_ space: Space) async throws {
        for try await status in space.statusStream() where status.state == .live { return }
    }

    func testALieIsNamedAndHarmsNothing() async throws {
        for lie in [HostileRelay.Lie.omits, .reorders, .repeats] {
            try await couple { relay, bob, ours, theirs in
                try await bob.disconnect()
                try await write(ours, 2, 3, 4)
                try await relay.lie(lie)
                try await bob.connect()
                let fault = try await caught(theirs)
                XCTAssertFalse(fault.isEmpty)
                do {
                    try await theirs.synced()
                    XCTFail("a lie was believed: \(lie)")
                } catch VeilfoldError.relayMisbehaved {}
                let status = try await ours.synced()
                XCTAssertEqual(status.state, .live)
                try await relay.lie(nil)
                guard lie != .repeats else { return }
                try await live(theirs)
                try await theirs.synced()
                let value = try await read(theirs)
                XCTAssertEqual(value, 4)
            }
        }
    }

    func testAForkComesToLightWithTheTruthAndADelayIsNone() async throws {
        try await couple { relay, bob, ours, theirs in
            try await relay.lie(.delays)
            try await write(ours, 2)
            var value = try await read(theirs)
            XCTAssertEqual(value, 1)
            try await relay.lie(nil)
            try await theirs.reached(try await ours.status().seq)
            value = try await read(theirs)
            XCTAssertEqual(value, 2)

            try await relay.lie(.forks)
            try await live(theirs)
            try await write(ours, 3)
            try await write(theirs, 4)
            value = try await read(ours)
            XCTAssertEqual(value, 3)
            value = try await read(theirs)
            XCTAssertEqual(value, 4)
            try await relay.lie(nil)
            let fault = try await caught(theirs)
            XCTAssertFalse(fault.isEmpty)
        }
    }

    func testAClientSaysHowItStands() async throws {
        let relay = try await TestRelay.start()
        let stores = try TestStores()
        let alice = try await stores.open("Alice")
        var status = try await alice.status()
        XCTAssertNil(status.relay)
        XCTAssertFalse(status.wantsConnection)
        XCTAssertTrue(status.spaces.isEmpty)
        let space = try await alice.createSpace()
        try await alice.setRelay(relay.url)
        try await space.synced()
        status = try await alice.status()
        let named = try await alice.relay()
        XCTAssertEqual(status.relay, named)
        XCTAssertTrue(status.wantsConnection)
        XCTAssertEqual(status.spaces[space.id]?.state, .live)
        try await alice.disconnect()
        try await space.collection("c").put("a", [:])
        status = try await alice.status()
        XCTAssertFalse(status.wantsConnection)
        let own = try await space.status()
        XCTAssertEqual(status.spaces, [space.id: own])
        XCTAssertEqual(own.outboxCount, 1)
        try await alice.close()
        try await relay.stop()
    }
}
