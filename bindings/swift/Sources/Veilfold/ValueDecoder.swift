import Foundation

/// Reads what is `Decodable` out of a value. A whole number reads as a floating-point one where the type
/// asks for that and nothing is lost; a double never reads as a whole number.
struct ValueDecoder: Decoder {
    let value: Value
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// Throws `invalid` with `wrong_type`, which names the field but not what is in it.
    static func decode<T: Decodable>(_ type: T.Type, from value: Value) throws(VeilfoldError) -> T {
        do {
            return try ValueDecoder(value: value, codingPath: []).decode(type)
        } catch {
            throw wrongType(type, error)
        }
    }

    private static func wrongType(_ type: Any.Type, _ error: any Error) -> VeilfoldError {
        let why =
            switch error {
            case DecodingError.keyNotFound(let key, let context):
                "'\(fieldName(context.codingPath + [key]))' is missing"
            case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
                DecodingError.dataCorrupted(let context):
                "'\(fieldName(context.codingPath))' is something else"
            case let error as Merged: "at '\(fieldName(error.codingPath))' \(ExactText.mergedNames)"
            default: "its type threw \(Swift.type(of: error))"
            }
        return .invalid(code: "wrong_type", detail: "a document is no \(type): \(why)")
    }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let special: Any? =
            switch type {
            case is Value.Type: value
            case is Value.Object.Type: value.object
            case is Date.Type: Date(timeIntervalSince1970: try floating())
            case is URL.Type: try url()
            case is Data.Type: throw mismatch(type)
            default: nil
            }
        if let special = special as? T { return special }
        switch value {
        case .array, .object:
            if let kind = type as? any Merging.Type, kind.merges(value) { throw Merged(codingPath: codingPath) }
        case .null, .bool, .int, .double, .string: break
        }
        return try T(from: self)
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let fields) = value else { throw mismatch([String: Any].self) }
        return KeyedDecodingContainer(Keyed(fields: fields, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let items) = value else { throw mismatch([Any].self) }
        return Unkeyed(items: items, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    fileprivate func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "it is something else"))
    }

    fileprivate func floating() throws -> Double {
        switch value {
        case .double(let number): return number
        case .int(let number):
            guard let exact = Double(exactly: number) else { throw mismatch(Double.self) }
            return exact
        default: throw mismatch(Double.self)
        }
    }

    private func whole<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        guard case .int(let number) = value, let number = T(exactly: number) else { throw mismatch(type) }
        return number
    }

    private func url() throws -> URL {
        guard case .string(let text) = value, let url = URL(string: text) else { throw mismatch(URL.self) }
        return url
    }
}

extension ValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard case .bool(let value) = value else { throw mismatch(type) }
        return value
    }

    func decode(_ type: String.Type) throws -> String {
        guard case .string(let value) = value else { throw mismatch(type) }
        return value
    }

    func decode(_ type: Double.Type) throws -> Double { try floating() }

    func decode(_ type: Float.Type) throws -> Float {
        guard let exact = Float(exactly: try floating()) else { throw mismatch(type) }
        return exact
    }

    func decode(_ type: Int.Type) throws -> Int { try whole(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try whole(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole(type) }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let fields: Value.Object
    let codingPath: [any CodingKey]

    var allKeys: [Key] { fields.keys.compactMap(Key.init(stringValue:)) }

    func contains(_ key: Key) -> Bool { fields[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try at(key).decodeNil() }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try at(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try at(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try at(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { inner("super", fields["super"] ?? .null) }

    func superDecoder(forKey key: Key) throws -> any Decoder { try at(key) }

    private func at(_ key: Key) throws -> ValueDecoder {
        guard let value = fields[key.stringValue] else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "it is missing"))
        }
        return inner(key.stringValue, value)
    }

    private func inner(_ name: String, _ value: Value) -> ValueDecoder {
        ValueDecoder(value: value, codingPath: codingPath + [FieldKey(name)])
    }
}

private struct Unkeyed: UnkeyedDecodingContainer {
    let items: [Value]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0

    init(items: [Value], codingPath: [any CodingKey]) {
        self.items = items
        self.codingPath = codingPath
    }

    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex >= items.count }

    mutating func decodeNil() throws -> Bool {
        guard try present().decodeNil() else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let decoded = try present().decode(type)
        currentIndex += 1
        return decoded
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let nested = try present().container(keyedBy: type)
        currentIndex += 1
        return nested
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let nested = try present().unkeyedContainer()
        currentIndex += 1
        return nested
    }

    mutating func superDecoder() throws -> any Decoder {
        let decoder = try present()
        currentIndex += 1
        return decoder
    }

    private func present() throws -> ValueDecoder {
        let path = codingPath + [FieldKey(String(currentIndex))]
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(Any.self, .init(codingPath: path, debugDescription: "it is missing"))
        }
        return ValueDecoder(value: items[currentIndex], codingPath: path)
    }
}

/// What of the standard library would lose one of two texts that differ only in their Unicode form.
private protocol Merging {
    static func merges(_ value: JSON) -> Bool
}

/// A dictionary has another `Value`.
private typealias JSON = Value

extension Dictionary: Merging {
    fileprivate static func merges(_ value: JSON) -> Bool {
        value.object.map { ExactText.areMerged($0.keys) } ?? false
    }
}

extension Set: Merging {
    fileprivate static func merges(_ value: JSON) -> Bool {
        Element.self == String.self && ExactText.areMerged((value.array ?? []).compactMap(\.string))
    }
}

private struct Merged: Error {
    let codingPath: [any CodingKey]
}
