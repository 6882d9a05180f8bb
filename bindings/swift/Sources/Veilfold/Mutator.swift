import Foundation
internal import VeilfoldFFI

/// A mutator without the type of its arguments, for the list given to
/// ``Veilfold/open(_:relay:name:durability:keyStore:mutators:resolvers:appVersion:)``. Only ``Mutator`` needs to be one.
public protocol AnyMutator: AnyObject, Sendable {
    /// The name that is kept with each write.
    var name: String { get }

    /// Runs it once, with arguments as they were kept.
    func run(_ transaction: Transaction, with arguments: Value) throws
}

/// A function with a name, under which the device finds it again: it is run again by itself when the order
/// rejected what it did.
///
/// ```swift
/// struct Buy: Codable, Sendable { var id: String }
///
/// let buy = Mutator("buy") { (tx, args: Buy) in
///     let items = tx.collection("items", of: Item.self)
///     guard var item = try tx.get(items, args.id), !item.done else { return }
///     item.done = true
///     try tx.put(items, item)
/// }
/// let client = try await Veilfold.open(.applicationSupport("alice.db"), mutators: [buy])
/// let receipt = try await space.mutate(buy, Buy(id: "milk"))
/// ```
///
/// The device keeps name and arguments with the write, so a later version of the app can run it too: keep the
/// name, and understand the arguments of older versions. The function may run many times, on a thread of its
/// own, and long after the call that wanted it, so it decides by what it reads and has no side effects. When
/// it throws while it is run again, the fate says `mutator_failed` and no more.
public final class Mutator<Arguments: Codable & Sendable>: AnyMutator {
    public let name: String
    private let function: @Sendable (Transaction, Arguments) throws -> Void

    /// A mutator of a function.
    public init(_ name: String, _ function: @escaping @Sendable (Transaction, Arguments) throws -> Void) {
        self.name = name
        self.function = function
    }

    /// Runs it once, with arguments as they were kept.
    public func run(_ transaction: Transaction, with arguments: Value) throws {
        try function(transaction, try ValueDecoder.decode(Arguments.self, from: arguments))
    }
}

/// The mutators of a client, by name.
struct Mutators: Sendable {
    private let byName: [ExactText: any AnyMutator]

    init(_ all: [any AnyMutator]) throws(VeilfoldError) {
        byName = Dictionary(all.map { (ExactText($0.name), $0) }) { first, _ in first }
        guard byName.count == all.count else {
            throw .invalid(code: "mutator_twice", detail: "two mutators have one name")
        }
    }

    func find(_ name: String) -> (any AnyMutator)? { byName[ExactText(name)] }

    func known(_ name: String) throws(VeilfoldError) -> any AnyMutator {
        guard let found = find(name) else { throw .missingMutator }
        return found
    }

    /// Another one of its name is not meant.
    func check(_ mutator: any AnyMutator) throws(VeilfoldError) {
        guard try known(mutator.name) === mutator else { throw .missingMutator }
    }
}

extension VeilfoldError {
    fileprivate static let missingMutator = VeilfoldError.invalid(
        code: "mutator_missing", detail: "open the client with this mutator")
}

extension Space {
    /// Runs a mutator that the client was opened with, as ``transact(_:)`` runs a function, and again by itself
    /// whenever the order rejects what it did, up to eight times, also after a restart.
    ///
    /// The receipt settles after the last try: ``Fate/confirmed(_:)`` if one held, else ``Fate/rejected(_:)``, or
    /// ``Fate/refused(_:)`` with `mutator_missing` or `mutator_failed` when it could not be run again. `nil` when
    /// the mutator asked for nothing. What it throws in this first run comes out here, and `invalid` with
    /// `mutator_missing` when the client was opened without it.
    @discardableResult
    public func mutate<Arguments>(
        _ mutator: Mutator<Arguments>, _ arguments: Arguments
    ) async throws -> Receipt? {
        try mutators.check(mutator)
        return try await mutate(with: mutator, try ValueEncoder.value(arguments))
    }

    /// The same by its name, with arguments of any shape.
    @discardableResult
    public func mutate(_ name: String, _ arguments: Value) async throws -> Receipt? {
        try await mutate(with: try mutators.known(name), arguments)
    }

    private func mutate(with mutator: any AnyMutator, _ arguments: Value) async throws -> Receipt? {
        let (native, name, data) = (native, mutator.name, try JSONWriter.data(arguments))
        let begin = { @Sendable in try native.beginMutation(name: name, args: data) }
        // The arguments of later runs are read from what was kept, so these are too.
        let kept = try JSONReader.value(data)
        return try await untilCommitted(native, begin) { tx in try mutator.run(tx, with: kept) }.receipt
    }
}
