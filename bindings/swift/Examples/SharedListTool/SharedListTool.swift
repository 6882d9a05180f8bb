// A shared list on the command line: two devices in one process, and the relay that VEILFOLD_RELAY names or
// one of its own.

import Foundation
import SharedList
import VeilfoldTesting

@main
struct SharedListTool {
    static func main() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shared-list-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let named = ProcessInfo.processInfo.environment["VEILFOLD_RELAY"].flatMap { URL(string: $0) }
        let own = named == nil ? try await TestRelay.start() : nil
        guard let relay = named ?? own?.url else { return }
        try await sharedListStory(in: folder, relay: relay) { print($0) }
        try await own?.stop()
    }
}
