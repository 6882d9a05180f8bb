import Foundation
internal import VeilfoldFFI

/// What the native client takes.
func resolverSet(_ resolvers: [any AnyResolver]) throws(VeilfoldError) -> ResolverSet? {
    var known: Set<ExactText> = []
    for resolver in resolvers
    where !known.insert(ExactText("\(resolver.version) \(resolver.collection)")).inserted {
        throw .invalid(code: "resolver_twice", detail: "two resolvers have one collection and version")
    }
    if resolvers.isEmpty { return nil }
    let made = try told { try ResolverSet.empty() }
    for resolver in resolvers {
        let (collection, version) = (resolver.collection, resolver.version)
        switch resolver {
        case let function as Resolver:
            let crossing = ResolverCrossing(function)
            try told { try made.add(collection: collection, version: version, resolver: crossing) }
        case let module as Module:
            try told { try made.addModule(collection: collection, version: version, module: module.wasm) }
        default:
            throw .invalid(code: "bad_resolver", detail: "a resolver is a Resolver or a Module")
        }
    }
    return made
}

/// Many calls in one crossing. What an app's function does wrong is an answer; no answer is for what says nothing
/// about it.
private final class ResolverCrossing: ForeignResolver {
    private let resolver: Resolver

    init(_ resolver: Resolver) {
        self.resolver = resolver
    }

    func run(version: Int64, runs: Data) throws -> Data {
        try answer(runs) { run in .array(try outcomes(run)) }
    }

    func migrate(version: Int64, states: Data) throws -> Data {
        try answer(states) { each in
            guard let format = each["format"]?.int, let fields = each["state"] else { throw VeilfoldError.unreadable }
            return (try? resolver.migrated(format, fields)) ?? .null
        }
    }

    private func answer(_ question: Data, _ each: (Value) throws -> Value) throws -> Data {
        do {
            return try JSONWriter.data(.array(try (JSONReader.value(question).array ?? []).map(each)))
        } catch {
            throw ResolverError.NoAnswer
        }
    }

    private func outcomes(_ run: Value) throws -> [Value] {
        guard var format = run["format"]?.int, let calls = run["calls"]?.array else { throw VeilfoldError.unreadable }
        // A bare `nil` would be a value here.
        var state = run["state"].flatMap { $0 == .null ? Value?.none : $0 }
        return try calls.map { value in
            let call = try Call(crossing: value)
            do {
                state = try resolver.resolved(state, format, call)
                format = resolver.version
                return ["state": state ?? .null]
            } catch let refusal as Resolver.Refusal {
                return ["refused": .string(refusal.text)]
            } catch {
                return ["failed": true]
            }
        }
    }
}

extension Call {
    fileprivate init(crossing call: Value) throws {
        guard let document = call["document"]?.string, let name = call["name"]?.string,
            let arguments = call["args"], let version = call["version"]?.int, let author = call["author"]?.int,
            let milliseconds = call["time_ms"]?.int
        else { throw VeilfoldError.unreadable }
        var position: Position?
        if let seq = call["seq"]?.int, let index = call["index"]?.int { position = Position(seq: seq, index: index) }
        self.init(
            document: document, name: name, arguments: arguments, version: version, author: author,
            position: position, milliseconds: milliseconds)
    }
}
