import Foundation
internal import VeilfoldFFI

/// End-to-end encrypted, offline-first shared documents.
public enum Veilfold {
    /// Opens the device whose store is this file, or makes a new one there.
    ///
    /// With a relay (`wss://…` or `ws://…`) it starts to connect and goes on trying; being offline is no error.
    /// Without a key store the root key lies in a file beside the store; apps for Apple's systems use
    /// `KeychainKeyStore`. Nothing runs on the main thread that the app did not put there.
    ///
    /// - Parameters:
    ///   - store: The file.
    ///   - relay: The relay's address; without one the device works alone, and one can be named later.
    ///   - name: What other members see in spaces that this device founds.
    ///   - durability: What a write has survived when its call returns.
    ///   - keyStore: Where the root key lies; the app's own, or `KeychainKeyStore`.
    ///   - mutators: Those that `mutate` may name; they are run again while the client is open.
    ///   - resolvers: The app's own for its collections, functions and modules, in all their versions.
    ///   - appVersion: The app's version; the main bundle's without one. When another writer's documents differ
    ///     from this device's, each version folds the log again at most once.
    ///
    /// Throws `invalid` when the store is open already, here or in another process (`store_in_use`), `notAllowed` while
    /// the key store is locked (`vault_locked`), `newerVersion`, and `corrupt` for a damaged store, a lost key
    /// (`keys_lost`) or a key store that fails (`vault_failed`).
    public static func open(
        _ store: StoreLocation,
        relay: URL? = nil,
        name: String = "",
        durability: Durability = .process,
        keyStore: (any KeyStore)? = nil,
        mutators: [any AnyMutator] = [],
        resolvers: [any AnyResolver] = [],
        appVersion: String? = nil
    ) async throws(VeilfoldError) -> Client {
        let known = try Mutators(mutators)
        let brought = try resolverSet(resolvers)
        let path = try store.path()
        let config = ClientConfig(
            relay: relay?.absoluteString, name: name, powerSafe: durability == .power, keyId: nil,
            appVersion: appVersion ?? bundleVersion())
        let keys = keyStore.map(GuardedKeyStore.init)
        let native = try await answered {
            try await openClient(path: path, config: config, keyStore: keys, resolvers: brought).client()
        }
        runAgain(try await answered { try await native.retries().retryStream() }, known)
        return Client(native, name: name, known)
    }
}

/// The build of the app that runs; empty where there is none.
private func bundleVersion() -> String {
    Bundle.main.object(forInfoDictionaryKey: "CFBundleVersion") as? String ?? ""
}

/// What a write has survived when its call returns.
public enum Durability: Sendable, Hashable {
    /// A killed process.
    case process
    /// A power cut: it waits for the disk's own promise.
    case power
}

/// Where a device's store lies.
public struct StoreLocation: Sendable, Hashable {
    private enum Place: Sendable, Hashable {
        case file(String)
        case applicationSupport(String)
    }

    private let place: Place

    /// A file. Its folder has to exist.
    public static func file(_ url: URL) -> StoreLocation { StoreLocation(place: .file(url.path)) }

    /// A file by its path. Its folder has to exist.
    public static func file(_ path: String) -> StoreLocation { StoreLocation(place: .file(path)) }

    /// A file of that name in the app's own folder for its data, which is made when it is not there.
    public static func applicationSupport(_ name: String) -> StoreLocation {
        StoreLocation(place: .applicationSupport(name))
    }

    func path() throws(VeilfoldError) -> String {
        switch place {
        case .file(let path): return path
        case .applicationSupport(let name):
            do {
                let folder = try FileManager.default.url(
                    for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
                return folder.appendingPathComponent(name).path
            } catch {
                throw .corrupt(code: "store_failed", detail: "there is no folder for the app's data")
            }
        }
    }
}
