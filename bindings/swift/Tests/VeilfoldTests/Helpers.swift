import Foundation
import Veilfold
import VeilfoldTesting
import XCTest

struct Item: Codable, Identifiable, Sendable, Equatable {
    var id: String
    var title: String
    var qty: Int
    var done: Bool
}

extension Item {
    static let milk = Item(id: "milk", title: "Milk", qty: 1, done: false)
}

/// Runs with a fresh client and its space, without a relay.
func alone(
    _ story: (Client, Space) async throws -> Void
) async throws {
    let stores = try TestStores()
    let alice = try await stores.open("alice")
    try await story(alice, try await alice.createSpace(name: "s"))
    try await alice.close()
}

/// Adds a client to a space as one hands a card and a ticket.
func share(_ space: Space, with client: Client, as role: Role = .writer) async throws -> Space {
    let ticket = try await space.addMember(try await client.contactCard(), role: role)
    return try await client.join(ticket.text)
}

/// The next event that is wanted.
func heard(_ client: Client, _ wanted: @escaping @Sendable (Event) -> Bool) -> Task<Event?, any Error> {
    Task {
        for try await event in client.events() where wanted(event) { return event }
        return nil
    }
}

/// The code of the error that a call throws, with its kind checked.
func code(
    _ call: () async throws -> Void, file: StaticString = #filePath, line: UInt = #line
) async -> String {
    do {
        try await call()
        XCTFail("nothing was thrown", file: file, line: line)
        return ""
    } catch VeilfoldError.invalid(let code, let detail) {
        XCTAssertFalse(detail.contains("nonsense"), file: file, line: line)
        return code
    } catch {
        XCTFail("another error was thrown: \(error)", file: file, line: line)
        return ""
    }
}

/// Waits until something holds that the main actor sees; throws when that takes far too long.
@MainActor
func eventually(_ what: String, _ holds: @MainActor () -> Bool) async throws {
    for _ in 0..<20_000 {
        if holds() { return }
        try await Task.sleep(nanoseconds: 1_000_000)
    }
    throw InVain(what: what)
}

/// What a test waited for and did not get.
struct InVain: Error {
    let what: String
}

/// Something that tasks of a test share.
final class Box<Content: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var content: Content

    init(_ content: Content) { self.content = content }

    var value: Content { lock.withLock { content } }

    @discardableResult
    func change<Answer>(_ change: (inout Content) -> Answer) -> Answer {
        lock.withLock { change(&content) }
    }
}
