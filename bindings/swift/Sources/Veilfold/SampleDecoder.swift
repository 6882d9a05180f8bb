import Foundation

/// The leaves of a type, numbered as they are first met, and which sample is being made.
final class Leaves {
    var round = 0
    private var numbers: [ExactText: Int] = [:]

    var count: Int { numbers.count }

    /// What a leaf holds in this round: a number of its own, and a side.
    func leaf(_ codingPath: [any CodingKey]) -> (number: Int, side: Bool) {
        let name = ExactText(fieldName(codingPath))
        let number = numbers[name] ?? numbers.count + 1
        numbers[name] = number
        // Round 0 has all on one side, later ones go through the bits of the numbers.
        return (number, round > 0 && number >> (round - 1) & 1 == 1)
    }
}

/// Hands out sample values of whatever type is asked for.
struct SampleDecoder: Decoder {
    let leaves: Leaves
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    /// Types that contain themselves end here.
    fileprivate var tooDeep: Bool { codingPath.count > 6 }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let (number, side) = leaves.leaf(codingPath)
        let sample: Any? =
            switch type {
            case is Value.Type: Value.int(whole(number, side))
            case is Value.Object.Type: Value.Object(["sample": .int(whole(number, side))])
            case is Date.Type: Date(timeIntervalSince1970: Double(whole(number, side)))
            case is URL.Type: URL(string: "sample:\(text(number, side))")
            case is UUID.Type: UUID(uuidString: String(format: "00000000-0000-0000-0000-%012d", whole(number, side)))
            case let type as any CaseIterable.Type: cases(type, side)
            default: nil
            }
        if let sample = sample as? T { return sample }
        return try T(from: self)
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed(decoder: self))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { Unkeyed(decoder: self) }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    fileprivate func inner(_ key: String) -> SampleDecoder {
        SampleDecoder(leaves: leaves, codingPath: codingPath + [FieldKey(key)])
    }

    private func whole(_ number: Int, _ side: Bool) -> Int64 { Int64(2 * number + (side ? 1 : 0)) }

    private func text(_ number: Int, _ side: Bool) -> String { "\(side ? "b" : "a")\(number)" }

    private func cases<T: CaseIterable>(_ type: T.Type, _ side: Bool) -> Any? {
        let cases = Array(type.allCases)
        return side ? cases.last : cases.first
    }
}

extension SampleDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { tooDeep }

    func decode(_ type: Bool.Type) -> Bool { leaves.leaf(codingPath).side }

    func decode(_ type: String.Type) -> String {
        let (number, side) = leaves.leaf(codingPath)
        return text(number, side)
    }

    func decode(_ type: Double.Type) -> Double { Double(sample(type: Int64.self)) + 0.5 }
    func decode(_ type: Float.Type) -> Float { Float(sample(type: Int32.self)) + 0.5 }
    func decode(_ type: Int.Type) -> Int { sample(type: type) }
    func decode(_ type: Int8.Type) -> Int8 { sample(type: type) }
    func decode(_ type: Int16.Type) -> Int16 { sample(type: type) }
    func decode(_ type: Int32.Type) -> Int32 { sample(type: type) }
    func decode(_ type: Int64.Type) -> Int64 { sample(type: type) }
    func decode(_ type: UInt.Type) -> UInt { sample(type: type) }
    func decode(_ type: UInt8.Type) -> UInt8 { sample(type: type) }
    func decode(_ type: UInt16.Type) -> UInt16 { sample(type: type) }
    func decode(_ type: UInt32.Type) -> UInt32 { sample(type: type) }
    func decode(_ type: UInt64.Type) -> UInt64 { sample(type: type) }

    private func sample<T: FixedWidthInteger>(type: T.Type) -> T {
        let (number, side) = leaves.leaf(codingPath)
        return T(truncatingIfNeeded: whole(number, side) & 0x7F)
    }
}

private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: SampleDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { [Key(stringValue: "sample")].compactMap { $0 } }

    func contains(_ key: Key) -> Bool { true }

    func decodeNil(forKey key: Key) -> Bool { decoder.tooDeep }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try decoder.inner(key.stringValue).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> {
        decoder.inner(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
        decoder.inner(key.stringValue).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { decoder.inner("super") }

    func superDecoder(forKey key: Key) -> any Decoder { decoder.inner(key.stringValue) }
}

/// One item, or none where it is deep enough.
private struct Unkeyed: UnkeyedDecodingContainer {
    let decoder: SampleDecoder
    private(set) var currentIndex = 0

    init(decoder: SampleDecoder) { self.decoder = decoder }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { decoder.tooDeep ? 0 : 1 }
    var isAtEnd: Bool { currentIndex >= (count ?? 0) }

    func decodeNil() -> Bool { false }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let decoded = try next().decode(type)
        currentIndex += 1
        return decoded
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        defer { currentIndex += 1 }
        return try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        defer { currentIndex += 1 }
        return try next().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        defer { currentIndex += 1 }
        return try next()
    }

    private func next() throws -> SampleDecoder {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(Any.self, .init(codingPath: codingPath, debugDescription: "no more"))
        }
        return decoder.inner(String(currentIndex))
    }
}
