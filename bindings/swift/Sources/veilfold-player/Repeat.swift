import Foundation
import Veilfold

/// The same call many times, for measuring what crossing the border costs. Gives the seconds that it took.
func repeated(_ space: Space, _ order: Value) async throws -> Value {
    let items = space.collection("crossing")
    let times = try order.number("times")
    let started = ProcessInfo.processInfo.systemUptime
    for index in 0..<times {
        switch try order.text("call") {
        case "id": _ = try space.receipt("0000000000000000")
        case "get": _ = try await items.get("0")
        case "put":
            let n = index % 10_000
            try await items.put("\(n)", ["n": .int(n), "title": "a title", "done": false])
        case "call": try await space.collection("counted").call("\(index % 100)", "add", 1)
        case "rows": for try await _ in items.live() { break }
        default: for try await _ in items.live("0") { break }
        }
    }
    return ["seconds": .double(ProcessInfo.processInfo.systemUptime - started)]
}
