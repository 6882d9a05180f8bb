import Foundation
import Veilfold

/// For tests of apps: stores in a folder of their own, which goes away with this object.
public final class TestStores: Sendable {
    private let folder: URL

    public init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("veilfold-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        // What is left lies in the folder for temporary files.
        try? FileManager.default.removeItem(at: folder)
    }

    /// The file of a store. The same name is the same store, so a test can close and open it again.
    public func file(_ name: String) -> URL { folder.appendingPathComponent("\(name).db") }

    /// Opens a client whose store lies here.
    public func open(
        _ name: String, relay: TestRelay? = nil, mutators: [any AnyMutator] = [], resolvers: [any AnyResolver] = []
    ) async throws -> Client {
        try await open(name, at: relay?.url, mutators: mutators, resolvers: resolvers)
    }

    /// Opens a client whose store lies here, with the relay at an address.
    public func open(
        _ name: String, at relay: URL?, mutators: [any AnyMutator] = [], resolvers: [any AnyResolver] = []
    ) async throws -> Client {
        try await Veilfold.open(
            .file(file(name)), relay: relay, name: name, mutators: mutators, resolvers: resolvers)
    }
}
