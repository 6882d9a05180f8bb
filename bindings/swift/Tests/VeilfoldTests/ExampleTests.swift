import Foundation
import SharedList
import VeilfoldTesting
import XCTest

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
}
