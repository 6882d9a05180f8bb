#if canImport(Combine)
import Combine
import Veilfold
import VeilfoldTesting
import XCTest

/// The Combine publisher of a collection.
final class LivePublisherTests: XCTestCase {
    func testAPublisherGivesEachStateAndFinishesWithItsClient() async throws {
        let stores = try TestStores()
        let alice = try await stores.open("alice")
        let c = try await alice.createSpace().collection("c")
        let (states, finished) = (Box<[[Value]]>([]), Box(false))
        let listening = c.publisher().sink { completion in
            if case .finished = completion { finished.change { $0 = true } }
        } receiveValue: { documents in
            states.change { $0.append(documents) }
        }
        try await eventually("nothing") { states.value == [[]] }
        try await c.put("a", ["n": 1])
        try await eventually("a document") { states.value.last == [["n": 1]] }
        try await alice.close()
        try await eventually("the end") { finished.value }
        listening.cancel()
    }

    func testAnErrorIsItsFailure() async throws {
        try await alone { _, space in
            try await space.collection("items").put("x", ["title": 1])
            let failure = Box<VeilfoldError?>(nil)
            let listening = space.collection("items", of: Item.self).publisher().sink { completion in
                if case .failure(let error) = completion { failure.change { $0 = error } }
            } receiveValue: { _ in
            }
            try await eventually("a failure") { failure.value?.code == "wrong_type" }
            listening.cancel()
        }
    }

    func testNoMoreIsGivenThanIsAskedFor() async throws {
        try await alone { _, space in
            let c = space.collection("c")
            let slow = Slow()
            c.publisher().subscribe(slow)
            slow.ask()
            try await eventually("the first state") { slow.states.value == [[]] }
            for n in 0..<20 { try await c.put("a", ["n": .int(Int64(n))]) }
            XCTAssertEqual(slow.states.value, [[]])
            // Whatever was made meanwhile, the newest comes soon.
            try await eventually("the newest state") {
                slow.ask()
                return slow.states.value.last == [["n": 19]]
            }
            slow.cancel()
        }
    }
}

/// Asks for one state at a time.
private final class Slow: Subscriber, @unchecked Sendable {
    typealias Input = [Value]
    typealias Failure = VeilfoldError
    let states = Box<[[Value]]>([])
    private let lock = NSLock()
    private var subscription: (any Subscription)?

    func receive(subscription: any Subscription) { lock.withLock { self.subscription = subscription } }

    func receive(_ input: [Value]) -> Subscribers.Demand {
        states.change { $0.append(input) }
        return .none
    }

    func receive(completion: Subscribers.Completion<VeilfoldError>) {}

    func ask() { lock.withLock { subscription }?.request(.max(1)) }

    func cancel() { lock.withLock { subscription }?.cancel() }
}
#endif
