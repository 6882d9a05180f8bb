import Foundation
internal import VeilfoldFFI

/// Where the device's root key lies, when it is not to be a file beside the store.
///
/// Called while a client opens, on a thread of Veilfold's own, never on the main thread; may block, for
/// instance while the user unlocks the device. What it throws comes out of
/// ``Veilfold/open(_:relay:name:durability:keyStore:mutators:resolvers:appVersion:)``: ``KeyStoreError/locked`` as
/// `notAllowed` with `vault_locked`, ``KeyStoreError/damaged`` as `corrupt` with `keys_lost`, all else as `corrupt` with
/// `vault_failed`.
public protocol KeyStore: Sendable {
    /// The 32 bytes of that id, `nil` when none were stored.
    func loadRoot(id: String) throws -> Data?

    /// Stores them, replacing others; they survive a power cut then.
    func storeRoot(id: String, root: Data) throws

    /// Deletes them if they are there.
    func deleteRoot(id: String) throws
}

/// What a key store throws where the difference matters. Anything else that it throws counts as a failure.
public enum KeyStoreError: Error, Sendable, Hashable {
    /// No key is given out until the device is unlocked; trying again helps.
    case locked
    /// There is a root but it cannot be used.
    case damaged
    /// Anything else, with what the platform said.
    case failed(String)
}

/// An app's key store behind a net: what it throws may hold anything and is not passed on.
final class GuardedKeyStore: VeilfoldFFI.KeyStore {
    private let store: any KeyStore

    init(_ store: any KeyStore) {
        self.store = store
    }

    func loadRoot(id: String) throws -> Data? { try guarded { try store.loadRoot(id: id) } }

    func storeRoot(id: String, root: Data) throws { try guarded { try store.storeRoot(id: id, root: root) } }

    func deleteRoot(id: String) throws { try guarded { try store.deleteRoot(id: id) } }

    private func guarded<T>(_ call: () throws -> T) throws -> T {
        do {
            return try call()
        } catch KeyStoreError.locked {
            throw VeilfoldFFI.KeyStoreError.Locked
        } catch KeyStoreError.damaged {
            throw VeilfoldFFI.KeyStoreError.Damaged
        } catch KeyStoreError.failed(let detail) {
            throw VeilfoldFFI.KeyStoreError.Failed(detail: detail)
        } catch {
            throw VeilfoldFFI.KeyStoreError.Failed(detail: "\(type(of: error))")
        }
    }
}
