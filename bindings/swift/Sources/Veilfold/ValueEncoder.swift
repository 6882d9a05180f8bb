import Foundation

/// Turns what is `Encodable` into a value. Whole numbers stay whole numbers, `1.0` stays a double.
///
/// A `Date` becomes seconds since 1970, a `URL` its text. `Data` is refused: bytes belong in blobs.
final class ValueEncoder: Encoder {
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private var node: Node?

    private init(codingPath: [any CodingKey]) {
        self.codingPath = codingPath
    }

    /// The value of anything. Throws `invalid` with `bad_json` for what is not JSON.
    static func value(_ encodable: any Encodable) throws(VeilfoldError) -> Value {
        do {
            return try value(encodable, codingPath: [])
        } catch let error as VeilfoldError {
            throw error
        } catch let EncodingError.invalidValue(_, context) {
            throw .badJSON("\(context.debugDescription) at '\(fieldName(context.codingPath))'")
        } catch {
            throw .badJSON("its type threw \(type(of: error))")
        }
    }

    fileprivate static func value(_ encodable: any Encodable, codingPath: [any CodingKey]) throws -> Value {
        switch encodable {
        case let value as Value: return value
        case let fields as Value.Object: return .object(fields)
        case let date as Date: return .double(date.timeIntervalSince1970)
        case let url as URL: return .string(url.absoluteString)
        case is Data: throw VeilfoldError.badJSON("bytes belong in blobs")
        default:
            guard codingPath.count <= JSONReader.depthMax else { throw VeilfoldError.badJSON("it is nested too deeply") }
            let encoder = ValueEncoder(codingPath: codingPath)
            try encodable.encode(to: encoder)
            return encoder.node?.value ?? .object([:])
        }
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        let fields = (node as? Fields) ?? Fields()
        node = fields
        return KeyedEncodingContainer(Keyed(fields: fields, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let items = (node as? Items) ?? Items()
        node = items
        return Unkeyed(items: items, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(codingPath: codingPath) { self.node = Leaf($0) }
    }
}

/// What is being made: containers are handed out before they are full.
private protocol Node: AnyObject {
    var value: Value { get }
}

private final class Leaf: Node {
    let value: Value
    init(_ value: Value) { self.value = value }
}

private final class Fields: Node {
    private var fields: [(name: String, node: any Node)] = []
    var value: Value { .object(Value.Object(fields.map { ($0.name, $0.node.value) })) }

    subscript(name: String) -> (any Node)? {
        get { fields.last { ExactText($0.name) == ExactText(name) }?.node }
        // The last one of a name counts.
        set { if let newValue { fields.append((name, newValue)) } }
    }
}

private final class Items: Node {
    var items: [any Node] = []
    var value: Value { .array(items.map(\.value)) }
}

/// An encoder for `super`, whose value is asked for at the end.
private final class Later: Node {
    let encoder: ValueEncoder
    init(_ encoder: ValueEncoder) { self.encoder = encoder }
    var value: Value { encoder.finished }
}

extension ValueEncoder {
    fileprivate var finished: Value { node?.value ?? .object([:]) }

    fileprivate static func later(_ codingPath: [any CodingKey]) -> ValueEncoder {
        ValueEncoder(codingPath: codingPath)
    }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let fields: Fields
    let codingPath: [any CodingKey]

    mutating func encodeNil(forKey key: Key) { fields[key.stringValue] = Leaf(.null) }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        fields[key.stringValue] = Leaf(try ValueEncoder.value(value, codingPath: codingPath + [key]))
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        let nested = (fields[key.stringValue] as? Fields) ?? Fields()
        fields[key.stringValue] = nested
        return KeyedEncodingContainer(Keyed<Nested>(fields: nested, codingPath: codingPath + [key]))
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let nested = (fields[key.stringValue] as? Items) ?? Items()
        fields[key.stringValue] = nested
        return Unkeyed(items: nested, codingPath: codingPath + [key])
    }

    mutating func superEncoder() -> any Encoder { superEncoder(named: "super") }

    mutating func superEncoder(forKey key: Key) -> any Encoder { superEncoder(named: key.stringValue) }

    private func superEncoder(named name: String) -> any Encoder {
        let encoder = ValueEncoder.later(codingPath + [FieldKey(name)])
        fields[name] = Later(encoder)
        return encoder
    }
}

private struct Unkeyed: UnkeyedEncodingContainer {
    let items: Items
    let codingPath: [any CodingKey]
    var count: Int { items.items.count }

    private var here: [any CodingKey] { codingPath + [FieldKey(String(count))] }

    mutating func encodeNil() { items.items.append(Leaf(.null)) }

    mutating func encode<T: Encodable>(_ value: T) throws {
        items.items.append(Leaf(try ValueEncoder.value(value, codingPath: here)))
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
        let (nested, path) = (Fields(), here)
        items.items.append(nested)
        return KeyedEncodingContainer(Keyed<Nested>(fields: nested, codingPath: path))
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let (nested, path) = (Items(), here)
        items.items.append(nested)
        return Unkeyed(items: nested, codingPath: path)
    }

    mutating func superEncoder() -> any Encoder {
        let encoder = ValueEncoder.later(here)
        items.items.append(Later(encoder))
        return encoder
    }
}

private struct Single: SingleValueEncodingContainer {
    let codingPath: [any CodingKey]
    let put: (Value) -> Void

    mutating func encodeNil() { put(.null) }
    mutating func encode(_ value: Bool) { put(.bool(value)) }
    mutating func encode(_ value: String) { put(.string(value)) }
    mutating func encode(_ value: Double) throws { put(try finite(value)) }
    mutating func encode(_ value: Float) throws { put(try finite(Double(value))) }
    mutating func encode(_ value: Int) throws { put(try whole(value)) }
    mutating func encode(_ value: Int8) throws { put(try whole(value)) }
    mutating func encode(_ value: Int16) throws { put(try whole(value)) }
    mutating func encode(_ value: Int32) throws { put(try whole(value)) }
    mutating func encode(_ value: Int64) throws { put(try whole(value)) }
    mutating func encode(_ value: UInt) throws { put(try whole(value)) }
    mutating func encode(_ value: UInt8) throws { put(try whole(value)) }
    mutating func encode(_ value: UInt16) throws { put(try whole(value)) }
    mutating func encode(_ value: UInt32) throws { put(try whole(value)) }
    mutating func encode(_ value: UInt64) throws { put(try whole(value)) }

    mutating func encode<T: Encodable>(_ value: T) throws {
        put(try ValueEncoder.value(value, codingPath: codingPath))
    }

    private func whole(_ number: some BinaryInteger) throws -> Value {
        guard let number = Int64(exactly: number) else { throw refused(number, "a whole number beyond 64 bits") }
        return .int(number)
    }

    private func finite(_ number: Double) throws -> Value {
        guard number.isFinite else { throw refused(number, "NaN or infinity") }
        return .double(number)
    }

    private func refused(_ value: Any, _ why: String) -> EncodingError {
        .invalidValue(value, .init(codingPath: codingPath, debugDescription: why))
    }
}

/// A key made of a text.
struct FieldKey: CodingKey {
    let stringValue: String
    var intValue: Int? { Int(stringValue) }

    init(_ text: String) { stringValue = text }
    init(stringValue: String) { self.stringValue = stringValue }
    init(intValue: Int) { stringValue = String(intValue) }
}

/// Where something is, for people.
func fieldName(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
}
