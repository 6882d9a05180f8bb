import VeilfoldFFI
import XCTest

@testable import Veilfold

final class EventTests: XCTestCase {
    func testLostEventsAreTold() {
        let native: [VeilfoldFFI.Event] = [.admitted(space: "s"), .disconnected(detail: "d")]
        let events: [Veilfold.Event] = [.admitted(space: "s"), .disconnected(detail: "d")]
        XCTAssertEqual(Veilfold.Event.all(in: EventBatch(events: native, missed: 3)), [.missed(count: 3)] + events)
        XCTAssertEqual(Veilfold.Event.all(in: EventBatch(events: native, missed: 0)), events)
    }
}
