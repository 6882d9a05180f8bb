import Foundation
internal import VeilfoldFFI

/// What somebody asks of a document, as its resolver sees it.
public struct Call: Sendable, Hashable {
    /// The document's id.
    public let document: String
    /// What to do, in the app's words.
    public let name: String
    /// With what.
    public let arguments: Value
    /// The resolver version that its writer wrote it for; at most this resolver's own.
    public let version: Int64
    /// The number of the member who wrote it.
    public let author: Int64
    /// Its place in the order, `nil` while it is only pending on this device.
    public let position: Position?
    /// The writer's clock in milliseconds since 1970, as claimed.
    public let milliseconds: Int64

    /// A call, for tests of a resolver.
    public init(
        document: String, name: String, arguments: Value = .null, version: Int64 = 1, author: Int64 = 1,
        position: Position? = nil, milliseconds: Int64 = 0
    ) {
        self.document = document
        self.name = name
        self.arguments = arguments
        self.version = version
        self.author = author
        self.position = position
        self.milliseconds = milliseconds
    }

    /// Its arguments as something `Decodable`. Throws `invalid` with `wrong_type` for what they are not.
    public func arguments<Kind: Decodable>(as type: Kind.Type) throws(VeilfoldError) -> Kind {
        try ValueDecoder.decode(type, from: arguments)
    }
}

/// One version of the function that governs a collection: from then on only its calls change documents there.
///
/// ```swift
/// struct Gig: Codable, Sendable { var left = 100 }
///
/// let gigs = Resolver("gigs", of: Gig.self) { gig, call in
///     var gig = gig ?? Gig()
///     let wanted = try call.arguments(as: Int.self)
///     guard gig.left >= wanted else { throw Resolver.Refusal("sold out") }
///     gig.left -= wanted
///     return gig
/// }
/// let client = try await Veilfold.open(.applicationSupport("alice.db"), resolvers: [gigs])
/// let receipt = try await space.collection("gigs", of: Gig.self).call("tonight", "buy", 2)
/// ```
///
/// The function gets the document (`nil` when there is none) and the call, and gives the document after it (`nil`
/// deletes it). It is run by every device, so it must give equal output for equal input, on every platform and
/// for ever: it looks at nothing else, no clock, no random numbers, no order of a dictionary, no network and no
/// other document, and it never calls the client. Texts are compared by their `utf8` or as values, and kept as names
/// in a ``Value/Object``: to Swift alone, `é` is the same in both of its Unicode forms. It runs on a thread of Veilfold's own, with five seconds for an
/// answer; after that the space holds, and it is asked again. Throwing a ``Resolver/Refusal`` rejects the call with its
/// text, anything else as `resolver_failed`. A trap, for instance of an overflow, ends the app, and again after
/// each start: compute with what is checked.
///
/// A space accepts the versions that ``Space/enableResolvers()`` raised it to. A newer version has to understand
/// calls of older ones, and old versions stay in the list of resolvers.
public struct Resolver: Sendable {
    /// A resolver's own no, with a text for whoever made the call. It rejects the whole transaction.
    public struct Refusal: Error, Sendable, Hashable {
        public let text: String

        /// A refusal with this text.
        public init(_ text: String) { self.text = text }
    }

    /// The collection.
    public let collection: String
    /// The version, from 1.
    public let version: Int64
    private let migrate: @Sendable (Int64, Value) throws -> Value
    private let resolve: @Sendable (Value?, Call) throws -> Value?

    /// A resolver of documents of a type. `migrate` turns the fields of a document of an older version into those
    /// of this; version 0 is what the built-in operations wrote.
    public init<Document: Codable & Sendable>(
        _ collection: String, version: Int64 = 1, of type: Document.Type,
        migrate: @escaping @Sendable (_ format: Int64, _ fields: Value) throws -> Value = { $1 },
        _ resolve: @escaping @Sendable (Document?, Call) throws -> Document?
    ) {
        let shape = DocumentShape<Document>()
        self.collection = collection
        self.version = version
        self.migrate = migrate
        self.resolve = { fields, call in
            let before = try fields.map { try shape.read(call.document, $0) }
            return try resolve(before, call).map { try shape.fields(call.document, $0) }
        }
    }

    /// A resolver of documents of any shape.
    public init(
        _ collection: String, version: Int64 = 1,
        migrate: @escaping @Sendable (_ format: Int64, _ fields: Value) throws -> Value = { $1 },
        _ resolve: @escaping @Sendable (Value?, Call) throws -> Value?
    ) {
        self.init(collection, version: version, of: Value.self, migrate: migrate, resolve)
    }

    func migrated(_ format: Int64, _ fields: Value) throws -> Value { try plain(try migrate(format, fields)) }

    func resolved(_ state: Value?, _ format: Int64, _ call: Call) throws -> Value? {
        let before = try state.map { format < version ? try migrated(format, $0) : $0 }
        return try resolve(before, call).map(plain)
    }

    /// What could not be stored is noticed now, so that a call sees the same whether it is asked for alone or with
    /// others.
    private func plain(_ fields: Value) throws -> Value {
        guard case .object = fields, fields.nests(atMost: 32) else {
            throw VeilfoldError.invalid(code: "bad_json", detail: "a document is an object that can be stored")
        }
        return try JSONReader.value(try JSONWriter.data(fields))
    }
}

extension Value {
    fileprivate func nests(atMost depth: Int) -> Bool {
        switch self {
        case .array(let items): depth > 0 && items.allSatisfy { $0.nests(atMost: depth - 1) }
        case .object(let fields): depth > 0 && fields.values.allSatisfy { $0.nests(atMost: depth - 1) }
        case .null, .bool, .int, .double, .string: true
        }
    }
}

extension Space {
    /// Has the space accept the newest version of every resolver that the client was opened with, for ever; `nil`
    /// when it accepts all of them already, as a space does that this client has founded.
    ///
    /// Devices whose app does not know them hold (`update_required`) until it is updated. Throws `notAllowed` for
    /// who is no admin.
    @discardableResult
    public func enableResolvers() async throws(VeilfoldError) -> Receipt? {
        let receipt = try await answered { try await native.enableResolvers().optionalReceipt() }
        guard let receipt else { return nil }
        return try Receipt(receipt)
    }
}

extension DocumentCollection {
    /// Asks the collection's own ``Resolver``, which decides what becomes of the document. What it refuses as the
    /// document is visible here throws `invalid` with `rejected` and the resolver's words; what it refuses in the
    /// order is ``Fate/rejected(_:)`` with `refused_by_resolver`.
    @discardableResult
    public func call(
        _ id: String, _ name: String, _ arguments: any Encodable = Value.null
    ) async throws(VeilfoldError) -> Receipt {
        try await commit(Action.call(key(id), name, try ValueEncoder.value(arguments)))
    }
}

extension Transaction {
    /// Asks the collection's own ``Resolver``, which decides what becomes of the document.
    public func call<Document>(
        _ collection: DocumentCollection<Document>, _ id: String, _ name: String,
        _ arguments: any Encodable = Value.null
    ) throws(VeilfoldError) {
        try stage(Action.call(collection.key(id), name, try ValueEncoder.value(arguments)))
    }
}
