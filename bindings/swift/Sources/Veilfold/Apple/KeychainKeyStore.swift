#if canImport(Security)
import Foundation
import Security

/// Keeps root keys in the Keychain: on this device alone, never in a backup of another one, readable after the
/// first unlock since it was started, so that work in the background can open its store.
///
/// Throws ``KeyStoreError/locked`` before that first unlock; opening again after it helps.
///
/// It is the data protection keychain on every system. On macOS that one is for apps alone which are signed with an
/// entitlement for it: `keychain-access-groups` (in Xcode the capability Keychain Sharing), or an application identifier.
/// Without one every call throws ``KeyStoreError/failed(_:)`` with -34018.
public struct KeychainKeyStore: KeyStore {
    private let service: String
    private let accessGroup: String?

    /// - Parameters:
    ///   - service: Names the app's keys; the default is for apps with one kind of store.
    ///   - accessGroup: Shares them with the app's extensions, if they open stores too.
    public init(service: String = "dev.veilfold.root", accessGroup: String? = nil) {
        self.service = service
        self.accessGroup = accessGroup
    }

    public func loadRoot(id: String) throws -> Data? {
        var query = item(id)
        query[kSecReturnData] = true
        query[kSecMatchLimit] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        if status == errSecItemNotFound { return nil }
        try check(status)
        guard let root = found as? Data else { throw KeyStoreError.damaged }
        return root
    }

    public func storeRoot(id: String, root: Data) throws {
        let changes: [CFString: Any] = [
            kSecValueData: root, kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        let status = SecItemUpdate(item(id) as CFDictionary, changes as CFDictionary)
        if status != errSecItemNotFound { return try check(status) }
        let added = item(id).merging(changes) { _, new in new }
        try check(SecItemAdd(added as CFDictionary, nil))
    }

    public func deleteRoot(id: String) throws {
        let status = SecItemDelete(item(id) as CFDictionary)
        if status != errSecItemNotFound { try check(status) }
    }

    /// What names the root of an id.
    func item(_ id: String) -> [CFString: Any] {
        // Without the last of these macOS takes its older keychain, which knows no accessibility and no groups.
        var item: [CFString: Any] = [
            kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecAttrAccount: id,
            kSecUseDataProtectionKeychain: true,
        ]
        item[kSecAttrAccessGroup] = accessGroup
        return item
    }

    private func check(_ status: OSStatus) throws {
        switch status {
        case errSecSuccess: return
        case errSecInteractionNotAllowed: throw KeyStoreError.locked
        default: throw KeyStoreError.failed("the Keychain answered \(status)")
        }
    }
}
#endif
