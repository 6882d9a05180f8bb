import VeilfoldTesting
import XCTest

@testable import Veilfold

/// What is under a view that shows one collection after the other.
final class LiveReaderTests: XCTestCase {
    func testAnotherCollectionTakesThePlaceOfTheFirst() async throws {
        try await alone { alice, space in
            let (a, b) = (space.collection("a"), space.collection("b"))
            try await a.put("1", ["a": 1])
            try await b.put("1", ["b": 1])
            let screen = Screen()
            for collection in [a, b] {
                let isAnother = await screen.show(collection)
                XCTAssertTrue(isAnother)
                try await screen.until(try await collection.all())
            }
            let (elsewhere, other) = (try await alice.createSpace(), try await alice.space(space.id))
            for same in [b, space.collection("b"), other.collection("b")] {
                let isAnother = await screen.show(same)
                XCTAssertFalse(isAnother)
            }
            // The first is not heard of any more.
            try await a.put("2", ["a": 2])
            try await b.put("1", ["b": 2])
            try await screen.until([["b": 2]])
            let isAnother = await screen.show(elsewhere.collection("b"))
            XCTAssertTrue(isAnother)
            try await screen.until([])
            let states = await screen.states
            XCTAssertEqual(states, [[["a": 1]], [["b": 1]], [["b": 2]], []])
        }
    }

    func testWhatEndedWithItsClientIsReadFromTheNext() async throws {
        let stores = try TestStores()
        let first = try await stores.open("alice")
        let space = try await first.createSpace()
        try await space.collection("c").put("1", ["n": 1])
        let screen = Screen()
        await screen.show(space.collection("c"))
        try await screen.until([["n": 1]])
        try await first.close()
        let second = try await stores.open("alice")
        let again = try await second.space(space.id).collection("c")
        try await again.put("1", ["n": 2])
        try await eventually("the reader to end") { screen.show(again) }
        try await screen.until([["n": 2]])
        try await second.close()
    }

    func testAnErrorIsToldOnceAndAnotherCollectionIsReadAfterIt() async throws {
        try await alone { _, space in
            let numbers = (space.collection("a", of: Int.self), space.collection("b", of: Int.self))
            try await space.collection("a").put("1", ["n": 1])
            let told = Box<[VeilfoldError]>([])
            let reader = LiveReader<Int>()
            let reads = { (collection: DocumentCollection<Int>) in
                await reader.read(collection) { news in
                    if case .failure(let error) = news { told.change { $0.append(error) } }
                }
            }
            for expected in [true, false] {
                let isAnother = await reads(numbers.0)
                XCTAssertEqual(isAnother, expected)
                try await eventually("an error") { !told.value.isEmpty }
            }
            let isAnother = await reads(numbers.1)
            XCTAssertTrue(isAnother)
            XCTAssertEqual(told.value.map(\.code), ["wrong_type"])
        }
    }
}

/// What a view would show.
@MainActor
private final class Screen {
    private let reader = LiveReader<Value>()
    private(set) var states: [[Value]] = []

    @discardableResult
    func show(_ collection: DocumentCollection<Value>) -> Bool {
        reader.read(collection) { [weak self] news in
            if case .success(let documents) = news { self?.states.append(documents) }
        }
    }

    func until(_ documents: [Value]) async throws {
        try await eventually("\(documents)") { states.last == documents }
    }
}
