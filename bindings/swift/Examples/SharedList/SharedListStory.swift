import Foundation
import Veilfold

/// Two devices, one list: what the command line shows, and what the tests go through.
public func sharedListStory(in folder: URL, relay: URL, say: @Sendable (String) -> Void) async throws {
    let alice = try await Veilfold.open(.file(folder.appendingPathComponent("alice.db")), relay: relay, name: "Alice")
    let bob = try await Veilfold.open(.file(folder.appendingPathComponent("bob.db")), relay: relay, name: "Bob")
    let ours = SharedList(try await alice.createSpace(name: "Groceries"))
    try await ours.add("milk")

    // Bob hands his card to Alice, and gets a ticket. Neither holds a secret.
    let ticket = try await ours.space.addMember(try await bob.contactCard(), role: .writer)
    let theirs = SharedList(try await bob.join(ticket.text))
    for try await items in theirs.items.live() where items.count == 1 {
        say("Bob sees: \(items[0].line)")
        break
    }

    try await bob.disconnect()
    guard let milk = try await theirs.items.all().first else { return }
    try await theirs.more(milk)
    try await ours.more(milk)
    say("Bob, \(try await theirs.space.status().badge ?? "in step"): \(try await theirs.lines())")
    say("Alice: \(try await ours.lines())")

    try await bob.connect()
    for list in [ours, theirs] {
        for try await items in list.items.live() where items.first?.qty == 3 { break }
    }
    try await theirs.space.synced()
    try await theirs.buy(milk)
    try await ours.space.reached(try await theirs.space.synced().seq)
    say("Both: \(try await ours.lines())")
    let equal = try await ours.space.stateRoot() == theirs.space.stateRoot()
    say("The same state on both: \(equal)")
    try await alice.close()
    try await bob.close()
}

extension SharedList {
    fileprivate func lines() async throws -> String {
        try await items.all().map(\.line).joined(separator: ", ")
    }
}
