import Foundation
internal import VeilfoldFFI

/// One device with all its spaces, over one store and at most one connection.
///
/// Everything is kept and shown on this device first; the relay is only needed for others to see it. Any
/// thread may call. Once neither it is held nor a space, collection, receipt or stream of it, it closes by itself and
/// releases the store a moment later; ``close()`` closes it at once, and says when that is done.
public final class Client: Sendable {
    /// What other members see as this device's name in spaces that it founds.
    public let name: String
    private let native: VeilfoldFFI.Client
    private let mutators: Mutators

    init(_ native: VeilfoldFFI.Client, name: String, _ mutators: Mutators) {
        self.native = native
        self.name = name
        self.mutators = mutators
    }

    /// Founds a space whose only member is this device. Works offline. The name is this device's own.
    public func createSpace(name: String = "") async throws(VeilfoldError) -> Space {
        try Space(try await answered { try await native.createSpace(name: name).space() }, mutators)
    }

    /// The spaces of this device.
    public func spaces() async throws(VeilfoldError) -> [Space] {
        var spaces: [Space] = []
        for id in try await answered({ try await native.spaces().spaces().map(\.id) }) {
            spaces.append(try await space(id))
        }
        return spaces
    }

    /// A space of this device, by its id. Throws `invalid` for one that it does not have.
    public func space(_ id: String) async throws(VeilfoldError) -> Space {
        try Space(try await answered { try await native.space(id: id).space() }, mutators)
    }

    /// Makes a contact card: a text to be handed to a member, who adds it to one space. The name is what
    /// members will see, by default the client's.
    public func contactCard(name: String? = nil) async throws(VeilfoldError) -> String {
        try await answered { try await native.contactCard(name: name ?? self.name).text() }
    }

    /// Joins the space that a ticket names, under a name of this device's own. Works offline; the documents
    /// come with the connection.
    public func join(_ ticket: String, name: String = "") async throws(VeilfoldError) -> Space {
        try Space(try await answered { try await native.join(ticket: ticket, name: name).space() }, mutators)
    }

    /// Names the relay and connects to it; `nil` goes offline. Everything written so far syncs.
    public func setRelay(_ url: URL?) async throws(VeilfoldError) {
        try await answered { try await native.setRelay(url: url?.absoluteString).done() }
    }

    /// The relay's address.
    public func relay() async throws(VeilfoldError) -> URL? {
        try await answered { try await native.relay().optionalText() }.flatMap(URL.init(string:))
    }

    /// Wants a connection, at once instead of at the next attempt. Returns before it is up.
    public func connect() async throws(VeilfoldError) {
        try await answered { try await native.connect().done() }
    }

    /// Connects, waits at most `timeout` seconds until every space has sent and fetched everything, and goes
    /// offline again if it was before. `false`: not everything, and it goes on with the next connection. For
    /// background tasks and extensions.
    ///
    /// Throws `offline` without a relay, `relayMisbehaved` when the relay was caught, and `CancellationError`
    /// at once when its task is cancelled.
    public func syncOnce(timeout: TimeInterval) async throws -> Bool {
        let (native, wait) = (native, UInt64(max(0, min(timeout, 1e9)) * 1000))
        return try await waited { try await native.syncOnce(waitMs: wait).flag() }
    }

    /// Goes offline until ``connect()``.
    public func disconnect() async throws(VeilfoldError) {
        try await answered { try await native.disconnect().done() }
    }

    /// How it stands with the relay, and every space. Does not wait for the relay.
    public func status() async throws(VeilfoldError) -> ClientStatus {
        ClientStatus(native: try await answered { try await native.status().clientStatus() })
    }

    /// What happens that no call waits for: a relay that misbehaves, lost connections, a full disk. The first
    /// stream begins with what happened since the client was opened, a later one when it is read.
    public func events() -> EventStream { EventStream(client: native) }

    /// Closes the client: streams end, waiting calls throw `invalid` with `closed`, the store is released.
    /// What the relay does not have yet is sent after the next opening. Closing twice is no error.
    public func close() async throws(VeilfoldError) {
        try await answered { try await native.close().done() }
    }
}
