import Foundation
import SharedList
import VeilfoldTesting
import XCTest

@testable import Veilfold

/// The example goes as its command line shows it.
final class ExampleTests: XCTestCase {
    func testTheSharedListOfTheCommandLine() async throws {
        let relay = try await TestRelay.start()
        let stores = try TestStores()
        let said = Box<[String]>([])
        try await sharedListStory(in: stores.file("x").deletingLastPathComponent(), relay: relay.url) { line in
            said.change { $0.append(line) }
        }
        XCTAssertEqual(
            said.value,
            [
                "Bob sees: [ ] 1 × milk", "Bob, offline, 1 to send: [ ] 2 × milk", "Alice: [ ] 2 × milk",
                "Both: [x] 3 × milk", "The same state on both: true",
            ])
        try await relay.stop()
    }

    func testTheBadgeSaysWhatASpaceWaitsFor() {
        func badge(_ state: SpaceStatus.State, held: String? = nil, outbox: Int64 = 0) -> String? {
            SpaceStatus(state: state, outboxCount: outbox, storedCount: 0, seq: 1, held: held).badge
        }
        XCTAssertEqual(badge(.held, held: "key_missing"), "waiting for a key")
        XCTAssertEqual(badge(.held, held: "update_required"), "update this app")
        XCTAssertEqual(badge(.held, held: "resolver_stuck"), "a rule gives no answer")
        XCTAssertEqual(badge(.catchingUp(done: 1, total: 2)), "1 of 2")
        XCTAssertEqual(badge(.offline, outbox: 3), "offline, 3 to send")
        XCTAssertNil(badge(.live))
    }
}
