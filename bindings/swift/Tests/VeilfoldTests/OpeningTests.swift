import Foundation
import VeilfoldFFI
import VeilfoldTesting
import XCTest

@testable import Veilfold

/// A key store in memory that can fail.
private final class Keys: Veilfold.KeyStore {
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
        func open(_ keys: Keys) async throws -> Veilfold.Client {
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
            (nil, "keys_lost"), (Keys.Secret(), "vault_failed"), (Veilfold.KeyStoreError.locked, "vault_locked"),
        ] as [((any Error)?, String)] {
            let broken = error == nil ? Keys() : keys
            broken.error.change { $0 = error }
            do {
                _ = try await open(broken)
                XCTFail("it opened without its key")
            } catch {
                guard let error = error as? Veilfold.VeilfoldError else { throw error }
                XCTAssertEqual(error.code, expected)
                XCTAssertFalse(error.detail.contains("secret"))
            }
        }
    }

    func testABugInsideIsAnErrorAndTheClientGoesOn() async throws {
        try await alone { _, space in
            XCTAssertThrowsError(try told { try panicAtOnce() }) { error in
                guard case Veilfold.VeilfoldError.internal = error else { return XCTFail("\(error)") }
            }
            do {
                try await answered { try await panicInATask().done() }
                XCTFail("nothing was thrown")
            } catch Veilfold.VeilfoldError.internal {}
            try await space.collection("c").put("d", ["still": "here"])
            let document = try await space.collection("c").get("d")
            XCTAssertEqual(document, ["still": "here"])
        }
    }

    func testClientsThatNobodyHoldsCloseByThemselves() async throws {
        let stores = try TestStores()
        for _ in 0..<20 {
            // Neither it nor anything of it is held after this line.
            _ = try await opened(stores).createSpace().collection("c").put("a", [:])
        }
        let alice = try await opened(stores)
        let spaces = try await alice.spaces()
        XCTAssertEqual(spaces.count, 20)
        try await alice.close()
    }

    func testASpaceThatIsHeldKeepsItsStoreOpen() async throws {
        let stores = try TestStores()
        var space: Veilfold.Space? = try await stores.open("alice").createSpace()
        let c = space?.collection("c")
        try await c?.put("a", ["n": 1])
        let thrown = await code { _ = try await stores.open("alice") }
        XCTAssertEqual(thrown, "store_in_use")
        space = nil
        let document = try await c?.get("a")
        XCTAssertEqual(document, ["n": 1])
    }

    /// Opens the store once nobody else has it, which takes a moment after the last one was dropped.
    private func opened(_ stores: TestStores) async throws -> Veilfold.Client {
        for _ in 0..<10_000 {
            do {
                return try await stores.open("alice")
            } catch Veilfold.VeilfoldError.invalid(code: "store_in_use", _) {
                try await Task.sleep(nanoseconds: 1_000_000)
            }
        }
        throw Veilfold.VeilfoldError.internal(code: "internal", detail: "a client that nobody holds is still open")
    }
}
