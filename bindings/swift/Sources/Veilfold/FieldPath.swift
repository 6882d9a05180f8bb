/// Where something is in a document: `"price.net"`, or its parts for keys that contain a dot or a `#`:
/// `["price", "net.eu"]`. A list element is named by its id: `"tags.#<element id>.name"`, or
/// `["tags", .element(id), "name"]`. The empty path is the document itself.
public struct FieldPath: Sendable, Hashable {
    /// One step of a path.
    public enum Part: Sendable, Hashable, ExpressibleByStringLiteral {
        /// A key of an object.
        case key(String)
        /// An element of a list, by its id.
        case element(String)

        public init(stringLiteral key: String) { self = .key(key) }

        public static func == (one: Self, other: Self) -> Bool { one.json == other.json }

        var json: Value {
            switch self {
            case .key(let key): .string(key)
            case .element(let id): ["element": .string(id)]
            }
        }
    }

    /// The path as actions carry it: checked where the action is.
    let json: Value
    /// The keys on the way, for reading; `nil` when the path goes through a list.
    let keys: [String]?

    /// The path that a text names, with dots between the keys.
    public init(_ text: String) {
        json = .string(text)
        let keys = text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        self.keys = text.contains("#") ? nil : keys
    }

    /// The path of these parts.
    public init(_ parts: [Part]) {
        json = .array(parts.map(\.json))
        let keys = parts.compactMap { part in
            if case .key(let key) = part { key } else { nil }
        }
        self.keys = keys.count == parts.count ? keys : nil
    }

    /// The document itself.
    public static let document = FieldPath("")
}

extension FieldPath: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    public init(stringLiteral text: String) { self.init(text) }
    public init(arrayLiteral parts: Part...) { self.init(parts) }
}
