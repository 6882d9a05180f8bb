import Veilfold
import VeilfoldTesting
import XCTest

final class SmokeTests: XCTestCase {
    func testADocumentIsWrittenAndRead() async throws {
        let stores = try TestStores()
        let alice = try await stores.open("alice")
        let items = try await alice.createSpace().collection("items")
        try await items.put("milk", ["qty": 1])
        let milk = try await items.get("milk")
        XCTAssertEqual(milk, ["qty": 1])
        try await alice.close()
    }
}
