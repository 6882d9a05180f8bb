// Ends in the middle of something, for the tests of that: `veilfold-busy resolver FILE` while a resolver of its own
// never answers, `veilfold-busy watch FILE` while live queries are read and documents are written.

import Foundation
import Veilfold
import VeilfoldTesting

@main
struct Busy {
    static func main() async throws {
        let (what, file) = (CommandLine.arguments[1], CommandLine.arguments[2])
        let (begun, begins) = AsyncStream<Void>.makeStream()
        let busy = Resolver("c") { fields, call in
            if call.position != nil {
                begins.yield()
                while true { sched_yield() }
            }
            return fields ?? [:]
        }
        let relay = try await TestRelay.start()
        let client = try await Veilfold.open(.file(file), relay: relay.url, resolvers: [busy])
        let space = try await client.createSpace()
        if what == "resolver" {
            try await space.collection("c").call("a", "do")
        } else {
            let items = space.collection("items")
            for _ in 0..<3 {
                Task { for try await _ in items.live() { begins.yield() } }
                Task { while true { try await items.increment("a", "n") } }
            }
        }
        for await _ in begun { break }
        exit(7)
    }
}
