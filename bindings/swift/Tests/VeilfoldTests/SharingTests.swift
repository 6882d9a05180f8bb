import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// Two clients and a relay: share a space, write offline, converge, be told.
final class SharingTests: XCTestCase {
    private func together(_ story: (TestRelay, Client, Client) async throws -> Void) async throws {
        let relay = try await TestRelay.start()
        let stores = try TestStores()
        let (alice, bob) = (
            try await stores.open("Alice", relay: relay), try await stores.open("Bob", relay: relay)
        )
        try await story(relay, alice, bob)
        try await alice.close()
        try await bob.close()
        try await relay.stop()
    }

    func testTwoDevicesWriteOfflineAndConverge() async throws {
        try await together { _, alice, bob in
            let ours = try await alice.createSpace(name: "Groceries")
            let items = ours.collection("items", of: Item.self)
            try await items.put(.milk)
            let theirs = try await share(ours, with: bob)
            let theirItems = theirs.collection("items", of: Item.self)
            for try await rows in theirItems.live() where rows == [.milk] { break }
            try await ours.synced()
            try await theirs.synced()
            try await alice.disconnect()
            try await bob.disconnect()
            var receipts: [Receipt] = []
            for _ in 0..<3 {
                receipts.append(try await items.increment("milk", \.qty))
                receipts.append(try await theirItems.increment("milk", \.qty, by: 10))
            }
            let status = try await ours.status()
            XCTAssertEqual(status.state, .offline)
            XCTAssertEqual(status.outboxCount, 3)
            try await alice.connect()
            try await bob.connect()
            var last: Int64 = 0
            for receipt in receipts {
                guard case .confirmed(let position) = try await receipt.settled() else {
                    return XCTFail("not confirmed")
                }
                last = max(last, position.seq)
            }
            for space in [ours, theirs] {
                try await space.reached(last)
                let milk = try await space.collection("items", of: Item.self).get("milk")
                XCTAssertEqual(milk?.qty, 34)
            }
            let (one, other) = (try await ours.stateRoot(), try await theirs.stateRoot())
            XCTAssertEqual(one, other)
            let members = try await theirs.members()
            XCTAssertEqual(members.map(\.name), ["Alice", "Bob"])
            XCTAssertEqual(members.map(\.role), [.owner, .writer])
            XCTAssertEqual(members.map(\.isMe), [false, true])
        }
    }

    func testADocumentIsCopiedIntoAnotherSpace() async throws {
        try await together { _, alice, bob in
            let drafts = try await alice.createSpace().collection("notes")
            try await drafts.put("plan", ["title": "Plan", "rating": 1.0])
            try await drafts.text("plan", "body").create("Hello")
            try await drafts.listAppend("plan", "steps", "one")
            try await drafts.setAdd("plan", "labels", "x")
            let ours = try await alice.createSpace()
            let theirs = try await share(ours, with: bob)
            guard case .confirmed? = try await drafts.copy("plan", to: ours)?.settled() else {
                return XCTFail("not confirmed")
            }
            try await theirs.reached(try await ours.synced().seq)
            let there = theirs.collection("notes")
            var (here, copy) = (try await drafts.get("plan"), try await there.get("plan"))
            XCTAssertEqual(here, copy)

            // It is text and a set there too, and its own.
            try await there.text("plan", "body").insert(", Bob", at: 5)
            try await there.setAdd("plan", "labels", "x")
            let steps = try await there.elements("plan", "steps")
            XCTAssertEqual(steps.map(\.value), ["one"])
            for step in steps { try await there.listMove("plan", "steps", step.id) }
            try await ours.reached(try await theirs.synced().seq)
            copy = try await ours.collection("notes").get("plan")
            let plan: Value = [
                "title": "Plan", "rating": 1.0, "body": "Hello, Bob", "steps": ["one"], "labels": ["x"],
            ]
            XCTAssertEqual(copy, plan)
            let (one, other) = (try await ours.stateRoot(), try await theirs.stateRoot())
            XCTAssertEqual(one, other)
            here = try await drafts.get("plan")
            XCTAssertEqual(here?["body"], "Hello")

            let again = await code { try await drafts.copy("plan", to: ours) }
            XCTAssertEqual(again, "rejected")
            try await drafts.copy("plan", to: ours.collection("old"), as: "first")
            copy = try await ours.collection("old").get("first")
            XCTAssertEqual(copy, here)
            let none = try await drafts.copy("none", to: ours)
            XCTAssertNil(none)
        }
    }

    func testSyncingOnceGoesOfflineAgain() async throws {
        try await together { _, alice, bob in
            let ours = try await alice.createSpace()
            let theirs = try await share(ours, with: bob)
            try await bob.disconnect()
            try await ours.collection("c").put("a", ["n": 1])
            try await ours.synced()
            let synced = try await bob.syncOnce(timeout: 30)
            XCTAssertTrue(synced)
            let a = try await theirs.collection("c").get("a")
            XCTAssertEqual(a, ["n": 1])
            var state = try await theirs.status().state
            XCTAssertEqual(state, .offline)
            // Who was connected stays so; and what takes too long is no error.
            _ = try await alice.syncOnce(timeout: 30)
            state = try await ours.status().state
            XCTAssertEqual(state, .live)
            try await bob.setRelay(URL(string: "ws://127.0.0.1:1"))
            try await bob.disconnect()
            let inTime = try await bob.syncOnce(timeout: 0.2)
            XCTAssertFalse(inTime)
        }
    }

    func testWhatAnotherChangedIsRejectedByTheOrder() async throws {
        try await together { _, alice, bob in
            let ours = try await alice.createSpace()
            let c = ours.collection("c")
            try await c.put("a", ["n": 1])
            let theirs = try await share(ours, with: bob)
            try await theirs.reached(try await ours.synced().seq)
            try await bob.disconnect()
            let d = theirs.collection("c")
            let done = try await theirs.transact { tx in
                try tx.set(d, "a", "n", (try tx.get(d, "a")?["n"]?.int ?? 0) + 1)
            }
            _ = try await c.increment("a", "n", by: 5).settled()
            try await bob.connect()
            guard case .rejected(let why)? = try await done.receipt?.settled() else {
                return XCTFail("not rejected")
            }
            XCTAssertEqual(why.code, "read_changed")
            XCTAssertEqual(why.document, DocumentKey(collection: "c", id: "a"))
            let a = try await d.get("a")
            XCTAssertEqual(a, ["n": 6])
        }
    }

    func testARelayNamedLaterAndAFateAfterARestart() async throws {
        let stores = try TestStores()
        let first = try await stores.open("alice")
        let founded = try await first.createSpace(name: "s")
        let id = try await founded.collection("c").put("a", [:]).id
        try await first.close()

        let relay = try await TestRelay.start()
        let alice = try await stores.open("alice")
        try await alice.setRelay(relay.url)
        let named = try await alice.relay()
        XCTAssertEqual(named?.port, relay.url.port)
        let spaces = try await alice.spaces()
        XCTAssertEqual(spaces.map(\.id), [founded.id])
        XCTAssertEqual(spaces.map(\.name), ["s"])
        let space = spaces[0]
        guard case .confirmed = try await space.receipt(id).settled() else { return XCTFail("not confirmed") }
        var states: [SpaceStatus.State] = []
        for try await status in space.statusStream() {
            states.append(status.state)
            if status.state == .live { try await alice.setRelay(nil) }
            if status.state == .offline && states.contains(.live) { break }
        }
        XCTAssertEqual(states.suffix(2), [.live, .offline])
        do {
            try await space.synced()
            XCTFail("it synced without a relay")
        } catch VeilfoldError.offline {}
        try await alice.close()
        try await relay.stop()
    }

    func testWhoMayNotWriteIsTold() async throws {
        try await together { _, alice, bob in
            let admitted = Task { () -> Event? in
                for try await event in bob.events() {
                    if case .admitted = event { return event }
                }
                return nil
            }
            try await Task.sleep(nanoseconds: 50_000_000)
            let ours = try await alice.createSpace()
            let theirs = try await share(ours, with: bob, as: .reader)
            let event = try await admitted.value
            XCTAssertEqual(event, .admitted(space: ours.id))
            do {
                try await theirs.collection("c").put("a", [:])
                XCTFail("a reader wrote")
            } catch VeilfoldError.notAllowed(let code, _) {
                XCTAssertEqual(code, "read_only")
            }
            let rows = try await theirs.collection("c").rows()
            XCTAssertEqual(rows, [])
        }
    }

    func testATextIsTypedByTwoAtOnce() async throws {
        try await together { _, alice, bob in
            let ours = try await alice.createSpace()
            try await ours.collection("c").text("n", "body").create("ac")
            let theirs = try await share(ours, with: bob)
            try await theirs.reached(try await ours.synced().seq)
            try await alice.disconnect()
            try await bob.disconnect()
            try await ours.collection("c").text("n", "body").insert("b", at: 1)
            try await theirs.collection("c").text("n", "body").insert("d", at: 2)
            try await alice.connect()
            try await bob.connect()
            for space in [ours, theirs] {
                for try await rows in space.collection("c").live() where rows == [["body": "abcd"]] { break }
            }
        }
    }
}
