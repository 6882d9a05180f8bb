#if canImport(SwiftUI)
import Combine
import SwiftUI
#if os(macOS)
import AppKit
#endif
import VeilfoldTesting
import XCTest

@testable import Veilfold

/// What views are given.
final class LiveModelTests: XCTestCase {
    func testAModelShowsWhatIsThere() async throws {
        try await alone { _, space in try await modelShowsWhatIsThere(space) }
    }

    func testAModelShowsAnotherCollection() async throws {
        try await alone { _, space in try await modelShowsAnotherCollection(space) }
    }

    func testAModelReadsOnlyWhileItIsHeld() async throws {
        try await alone { _, space in try await modelReadsOnlyWhileItIsHeld(space) }
    }

    func testAStatusModelFollowsTheSpace() async throws {
        try await alone { _, space in try await statusModelFollowsTheSpace(space) }
    }

    #if os(macOS)
    func testAViewThatIsMadeWithAnotherCollectionShowsIt() async throws {
        try await alone { _, space in try await viewShowsAnotherCollection(space) }
    }
    #endif
}

@MainActor
private func modelShowsWhatIsThere(_ space: Space) async throws {
    let items = space.collection("items", of: Item.self)
    let model = LiveModel(items)
    try await eventually("nothing") { model.isLoaded && model.documents.isEmpty }
    let told = Box(0)
    let listening = model.objectWillChange.sink { told.change { $0 += 1 } }
    try await items.put(.milk)
    try await eventually("the milk") { model.documents == [.milk] }
    XCTAssertGreaterThan(told.value, 0)
    listening.cancel()
    try await space.collection("items").put("bread", ["title": 1])
    try await eventually("an error") { model.error?.code == "wrong_type" }
    XCTAssertEqual(model.documents, [.milk], "the last state stays")
}

@MainActor
private func modelShowsAnotherCollection(_ space: Space) async throws {
    let (one, two) = (space.collection("one", of: Item.self), space.collection("two", of: Item.self))
    try await one.put(.milk)
    let model = LiveModel(one)
    try await eventually("the milk") { model.documents == [.milk] }
    model.show(space.collection("one", of: Item.self))
    XCTAssertEqual(model.documents, [.milk])
    // At no time the documents of one collection are taken for those of another.
    model.show(two)
    XCTAssertEqual(model.documents, [])
    XCTAssertFalse(model.isLoaded)
    try await eventually("the second collection") { model.isLoaded }
    XCTAssertEqual(model.documents, [])
}

@MainActor
private final class Weak {
    weak var model: LiveModel<Item>?

    init(_ model: LiveModel<Item>) { self.model = model }
}

@MainActor
private func modelReadsOnlyWhileItIsHeld(_ space: Space) async throws {
    let held = Box<[LiveModel<Item>]>([LiveModel(space.collection("items", of: Item.self))])
    let weak = Weak(held.value[0])
    try await eventually("its documents") { weak.model?.isLoaded == true }
    held.change { $0 = [] }
    try await eventually("the end of the model") { weak.model == nil }
}

@MainActor
private func statusModelFollowsTheSpace(_ space: Space) async throws {
    let model = StatusModel(space)
    try await eventually("a status") { model.status?.state == .offline }
    let before = model.status?.outboxCount ?? 0
    try await space.collection("c").put("a", [:])
    try await eventually("one more in the outbox") { model.status?.outboxCount == before + 1 }
}

#if os(macOS)
@MainActor
private func viewShowsAnotherCollection(_ space: Space) async throws {
    let (one, two) = (space.collection("one", of: Item.self), space.collection("two", of: Item.self))
    let bread = Item(id: "bread", title: "Bread", qty: 1, done: false)
    try await one.put(.milk)
    try await two.put(bread)
    let drawn = Box<[Item]>([])
    let host = NSHostingView(rootView: Groceries(drawn, one))
    let window = NSWindow(
        contentRect: NSRect(x: 0, y: 0, width: 100, height: 100), styleMask: [], backing: .buffered, defer: false)
    window.isReleasedWhenClosed = false
    window.contentView = host
    for (collection, item) in [(one, Item.milk), (two, bread)] {
        host.rootView = Groceries(drawn, collection)
        try await eventually(item.title) {
            host.needsLayout = true
            host.layoutSubtreeIfNeeded()
            return drawn.value == [item]
        }
    }
    window.close()
}

/// Notes what it is drawn with.
private struct Groceries: View {
    @LiveQuery private var items: [Item]
    private let drawn: Box<[Item]>

    init(_ drawn: Box<[Item]>, _ collection: DocumentCollection<Item>) {
        self.drawn = drawn
        _items = LiveQuery(collection)
    }

    var body: some View {
        let shown = items
        drawn.change { $0 = shown }
        return Text("\(shown.count)")
    }
}
#endif
#endif
