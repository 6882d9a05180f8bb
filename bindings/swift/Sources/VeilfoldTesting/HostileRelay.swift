import Foundation
import Veilfold
internal import VeilfoldFFI

/// For tests of apps: a relay with two doors. Devices at ``url`` hear the truth, those at ``lyingURL`` what
/// was ordered by ``lie(_:)``.
///
/// Both doors lead to one real relay in this process, with its entries in memory. What a lie is told about
/// goes on by itself with the truth, unless two logs were shown: that space stays `forked`. It stops with
/// this object.
public final class HostileRelay: Sendable {
    /// What it does to devices at its lying door.
    public enum Lie: Sendable, CaseIterable {
        /// Leaves an entry out and moves the others up.
        case omits
        /// Swaps two entries that follow each other.
        case reorders
        /// Gives one entry a second place.
        case repeats
        /// Shows another log from here on, which comes to light with the truth.
        case forks
        /// Holds back what is ordered, which no device can tell from a slow network.
        case delays
    }

    /// The door at which it tells the truth.
    public let url: URL
    /// The door at which it lies.
    public let lyingURL: URL
    private let native: VeilfoldFFI.HostileRelay

    private init(_ native: VeilfoldFFI.HostileRelay, _ url: URL, _ lyingURL: URL) {
        self.native = native
        self.url = url
        self.lyingURL = lyingURL
    }

    /// Starts one, which tells the truth at both doors.
    public static func start() async throws -> HostileRelay {
        try await answered {
            guard case .hostileRelay(let native) = try await startHostileRelay().answer(),
                let url = URL(string: try native.url()),
                let lyingURL = URL(string: try native.lyingUrl())
            else { throw URLError(.badURL) }
            return HostileRelay(native, url, lyingURL)
        }
    }

    /// Lies like this from now on; `nil` tells the truth again. Connections at the lying door end, and devices
    /// connect again by themselves.
    public func lie(_ kind: Lie?) async throws {
        let lie: RelayLie? =
            switch kind {
            case .omits: .omits
            case .reorders: .reorders
            case .repeats: .repeats
            case .forks: .forks
            case .delays: .delays
            case nil: nil
            }
        try await answered { _ = try await native.lie(lie: lie).answer() }
    }

    /// Stops it; its clients are offline then. Stopping twice is no error.
    public func stop() async throws {
        try await answered { _ = try await native.stop().answer() }
    }
}
