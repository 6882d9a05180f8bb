import Foundation
import Veilfold
internal import VeilfoldFFI

/// For tests of apps: a real relay in this process, on a free port of this machine, with its entries in
/// memory. Works without any network. It stops with this object.
public final class TestRelay: Sendable {
    /// Its address, for `Veilfold.open(…, relay: relay.url)`.
    public let url: URL
    private let native: VeilfoldFFI.TestRelay

    private init(_ native: VeilfoldFFI.TestRelay, _ url: URL) {
        self.native = native
        self.url = url
    }

    /// Starts a relay.
    public static func start() async throws -> TestRelay {
        try await answered {
            guard case .testRelay(let native) = try await startTestRelay().answer(),
                let url = URL(string: try native.url())
            else { throw URLError(.badURL) }
            return TestRelay(native, url)
        }
    }

    /// Stops it; its clients are offline then. Stopping twice is no error.
    public func stop() async throws {
        try await answered { _ = try await native.stop().answer() }
    }
}
