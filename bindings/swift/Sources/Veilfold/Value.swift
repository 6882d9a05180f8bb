import Foundation

/// A JSON value. Numbers keep type and bits: `.int(1)` and `.double(1)` are different values. Texts keep their bytes, and
/// are equal when those are: `.string("é")` with one scalar is another value than with two.
public enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Value])
    case object(Object)

    public static func == (one: Value, other: Value) -> Bool {
        switch (one, other) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.int(let one), .int(let other)): one == other
        case (.double(let one), .double(let other)): one == other
        case (.string(let one), .string(let other)): ExactText(one) == ExactText(other)
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)): one == other
        case (.null, _), (.bool, _), (.int, _), (.double, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

extension Value {
    /// What is at a key of an object; `nil` where there is nothing and in what is no object.
    public subscript(key: String) -> Value? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }

    /// What is at a place of an array; `nil` outside of it and in what is no array.
    public subscript(index: Int) -> Value? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }

    /// The truth value, if it is one.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The whole number, if it is one.
    public var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The floating-point number, if it is one; a whole number is none.
    public var double: Double? {
        if case .double(let value) = self { value } else { nil }
    }

    /// The string, if it is one.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The items, if it is an array.
    public var array: [Value]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// The fields, if it is an object.
    public var object: Object? {
        if case .object(let fields) = self { fields } else { nil }
    }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral items: Value...) { self = .array(items) }

    /// The last of several fields of one name counts.
    public init(dictionaryLiteral fields: (String, Value)...) {
        self = .object(Object(fields))
    }
}

extension Value {
    /// Reads a JSON text as documents are read. Throws `invalid` with `bad_json` for what is not JSON.
    public init(json: Data) throws(VeilfoldError) {
        self = try JSONReader.value(json)
    }

    /// The JSON text, as documents are written. Throws `invalid` with `bad_json` for NaN and infinities.
    public func json() throws(VeilfoldError) -> Data {
        try JSONWriter.data(self)
    }
}

/// Any `Codable` type may hold values of any kind, and any coder may write them.
extension Value: Codable {
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? ValueDecoder {
            self = decoder.value
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let items = try? container.decode([Value].self) {
            self = .array(items)
        } else {
            self = .object(Object(try container.decode([String: Value].self)))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let items): try container.encode(items)
        case .object(let fields):
            // Other coders keep names in dictionaries.
            if ExactText.areMerged(fields.keys) {
                throw EncodingError.invalidValue(
                    self, .init(codingPath: encoder.codingPath, debugDescription: ExactText.mergedNames))
            }
            try container.encode(Dictionary(fields.map { ($0.key, $0.value) }) { _, last in last })
        }
    }
}
