import Foundation
internal import VeilfoldFFI

/// How a client stands.
public struct ClientStatus: Sendable, Hashable {
    /// The relay that it was told to use.
    public let relay: URL?
    /// True while it connects, is connected, or waits to try again.
    public let wantsConnection: Bool
    /// Every space by its id; whether the relay is there is told by their states.
    public let spaces: [String: SpaceStatus]

    init(native: VeilfoldFFI.ClientStatus) {
        relay = native.relay.flatMap(URL.init(string:))
        wantsConnection = native.wantsConnection
        let spaces = native.spaces.map { ($0.id, SpaceStatus(native: $0.status)) }
        self.spaces = Dictionary(spaces) { first, _ in first }
    }
}
