import Foundation
import VeilfoldFFI
import VeilfoldTesting
import XCTest

@testable import Veilfold

/// A key store in memory that can fail.
private final class Keys: AppKeyStore {
    struct Secret: Error, CustomStringConvertible { let description = "secret" }

    let roots = Box<[String: Data]>([:])
    let error = Box<(any Error)?>(nil)
    let threads = Box<[Bool]>([])

    func loadRoot(id: String) throws -> Data? {
        threads.change { $0.append(Thread.isMainThread) }
        if let error = error.value { throw error }
        return roots.value[id]
    }

    func storeRoot(id: String, root: Data) throws { roots.change { $0[id] = root } }

    func deleteRoot(id: String) throws { roots.change { $0[id] = nil } }
}

/// Opening, key stores, logging, and what a bug inside does.
final class OpeningTests: XCTestCase {
    func testAStoreIsOpenOnce() async throws {
        let stores = try TestStores()
        let alice = try await stores.open("alice")
        let thrown = await code { _ = try await stores.open("alice") }
        XCTAssertEqual(thrown, "store_in_use")
        try await alice.close()
        try await stores.open("alice").close()
    }

    func testAnAppBringsItsOwnKeyStore() async throws {
        let stores = try TestStores()
        let keys = Keys()
        func open(_ keys: Keys) async throws -> AppClient {
            try await Veilfold.open(.file(stores.file("alice")), keyStore: keys)
        }
        let alice = try await open(keys)
        _ = try await alice.createSpace()
        try await alice.close()
        XCTAssertEqual(keys.roots.value.values.map(\.count), [32])
        XCTAssertFalse(keys.threads.value.contains(true))
        let again = try await open(keys)
        let spaces = try await again.spaces()
        XCTAssertEqual(spaces.count, 1)
        try await again.close()
        for (error, expected) in [
            (nil, "keys_lost"), (Keys.Secret(), "vault_failed"), (AppKeyStoreError.locked, "vault_locked"),
        ] as [((any Error)?, String)] {
            let broken = error == nil ? Keys() : keys
            broken.error.change { $0 = error }
            do {
                _ = try await open(broken)
                XCTFail("it opened without its key")
            } catch {
                guard let error = error as? AppError else { throw error }
                XCTAssertEqual(error.code, expected)
                XCTAssertFalse(error.detail.contains("secret"))
            }
        }
    }

    func testABugInsideIsAnErrorAndTheClientGoesOn() async throws {
        try await alone { _, space in
            XCTAssertThrowsError(try told { try panicAtOnce() }) { error in
                guard case AppError.internal = error else { return XCTFail("\(error)") }
            }
            do {
                try await answered { try await panicInATask().done() }
                XCTFail("nothing was thrown")
            } catch AppError.internal {}
            try await space.collection("c").put("d", ["still": "here"])
            let document = try await space.collection("c").get("d")
            XCTAssertEqual(document, ["still": "here"])
        }
    }

    func testClientsThatNobodyHoldsCloseByThemselves() async throws {
        let stores = try TestStores()
        for _ in 0..<20 {
            let alice = try await stores.open("alice")
            try await alice.createSpace().collection("c").put("a", [:])
            try await alice.close()
        }
        let alice = try await stores.open("alice")
        let spaces = try await alice.spaces()
        XCTAssertEqual(spaces.count, 20)
    }
}
