import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

/// What is logged, and where it goes.
final class LogTests: XCTestCase {
    func testLinesReachTheSinkWithoutNamesOrContents() async throws {
        let lines = Box<[(VeilfoldLog.Level, String)]>([])
        try VeilfoldLog.start(.debug) { level, line in lines.change { $0.append((level, line)) } }
        let relay = try await TestRelay.start()
        let stores = try TestStores()
        let client = try await stores.open("canary", relay: relay)
        let space = try await client.createSpace(name: "Canary Space")
        try await space.collection("canaries").put("canary-id", ["canary": "canary value"])
        try await space.synced()
        try await client.close()
        try await relay.stop()
        try VeilfoldLog.stop()
        let text = lines.value.map(\.1).joined(separator: "\n")
        XCTAssertTrue(text.contains("connected"))
        XCTAssertTrue(lines.value.contains { $0.0 == .debug })
        XCTAssertFalse(text.lowercased().contains("canar"))
    }
}
