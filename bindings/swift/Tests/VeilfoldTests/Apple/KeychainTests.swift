#if canImport(Security)
import Foundation
import Security
import XCTest

@testable import Veilfold

/// The key store in the Keychain.
final class KeychainTests: XCTestCase {
    func testItIsTheDataProtectionKeychainAndTheGroupIsNamed() {
        let item = KeychainKeyStore(service: "s", accessGroup: "g").item("a")
        XCTAssertEqual(item[kSecUseDataProtectionKeychain] as? Bool, true)
        XCTAssertEqual(item[kSecAttrAccessGroup] as? String, "g")
        XCTAssertEqual(item[kSecAttrService] as? String, "s")
        XCTAssertEqual(item[kSecAttrAccount] as? String, "a")
        XCTAssertNil(KeychainKeyStore().item("a")[kSecAttrAccessGroup])
    }

    func testARootIsStoredReplacedAndDeleted() throws {
        let keys = KeychainKeyStore(service: "dev.veilfold.tests.\(UUID().uuidString)")
        let (first, second) = (Data(repeating: 1, count: 32), Data(repeating: 2, count: 32))
        do {
            let none = try keys.loadRoot(id: "a")
            XCTAssertNil(none)
        } catch KeyStoreError.failed(let detail) where detail.hasSuffix(" \(errSecMissingEntitlement)") {
            throw XCTSkip("this test runner is not signed with an entitlement for the Keychain")
        }
        try keys.storeRoot(id: "a", root: first)
        try keys.storeRoot(id: "b", root: second)
        XCTAssertEqual(try keys.loadRoot(id: "a"), first)
        try keys.storeRoot(id: "a", root: second)
        XCTAssertEqual(try keys.loadRoot(id: "a"), second)
        for id in ["a", "b", "a"] { try keys.deleteRoot(id: id) }
        XCTAssertNil(try keys.loadRoot(id: "a"))
        XCTAssertNil(try keys.loadRoot(id: "b"))
    }
}
#endif
