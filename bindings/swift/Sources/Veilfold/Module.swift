import Foundation

/// What governs a collection in one version, for the list given to
/// ``Veilfold/open(_:relay:name:durability:keyStore:mutators:resolvers:appVersion:)``. Only ``Resolver`` and ``Module`` need to
/// be one.
public protocol AnyResolver: Sendable {
    /// The collection.
    var collection: String { get }
    /// The version, from 1.
    var version: Int64 { get }
}

extension Resolver: AnyResolver {}

/// One version of a resolver that is compiled to WebAssembly, and so the same on every platform.
///
/// ```swift
/// let gigs = Module("gigs", try Data(contentsOf: url), version: 2)
/// let client = try await Veilfold.open(.applicationSupport("alice.db"), resolvers: [gigs])
/// let receipt = try await space.collection("gigs").call("tonight", "buy", 2)
/// ```
///
/// The space pins it by its bytes: a device that has other bytes of a version holds (`update_required`). Works offline,
/// and runs on a thread of Veilfold's own; old versions stay in the list of resolvers. Opening throws `invalid` for bytes
/// that are no resolver (`bad_module`), and where the library was built without WebAssembly (`no_wasm`).
public struct Module: AnyResolver {
    public let collection: String
    public let version: Int64
    /// The module's bytes.
    public let wasm: Data

    /// A module that governs a collection.
    public init(_ collection: String, _ wasm: Data, version: Int64 = 1) {
        self.collection = collection
        self.wasm = wasm
        self.version = version
    }
}
