import Foundation

/// Reads UTF-8 JSON: a number with a point or an exponent is a double, every other one a whole number.
struct JSONReader {
    /// Nesting beyond this is no document.
    static let depthMax = 128

    private let bytes: [UInt8]
    private var at = 0

    private init(_ data: Data) {
        bytes = Array(data)
    }

    /// The value of a text. Throws `invalid` with `bad_json` for what is not JSON.
    static func value(_ data: Data) throws(VeilfoldError) -> Value {
        var reader = JSONReader(data)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == reader.bytes.count else { throw reader.bad() }
        return value
    }

    private mutating func value(depth: Int) throws(VeilfoldError) -> Value {
        guard depth <= Self.depthMax else { throw bad() }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(VeilfoldError) -> Value {
        at += 1
        var fields: [(String, Value)] = []
        skipSpace()
        if take("}") { return .object([:]) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw bad() }
            let key = try string()
            skipSpace()
            guard take(":") else { throw bad() }
            fields.append((key, try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw bad() }
        return .object(Value.Object(fields))
    }

    private mutating func array(depth: Int) throws(VeilfoldError) -> Value {
        at += 1
        var items: [Value] = []
        skipSpace()
        if take("]") { return .array(items) }
        repeat {
            items.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw bad() }
        return .array(items)
    }

    private mutating func word(_ word: StaticString, _ value: Value) throws(VeilfoldError) -> Value {
        let text = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard bytes[at...].starts(with: text) else { throw bad() }
        at += text.count
        return value
    }

    private mutating func number() throws(VeilfoldError) -> Value {
        let start = at
        var whole = true
        _ = take("-")
        let first = next
        guard digits() > 0 else { throw bad() }
        if first == UInt8(ascii: "0"), at - start > (bytes[start] == UInt8(ascii: "-") ? 2 : 1) { throw bad() }
        if take(".") {
            whole = false
            guard digits() > 0 else { throw bad() }
        }
        if take("e") || take("E") {
            whole = false
            _ = take("+") || take("-")
            guard digits() > 0 else { throw bad() }
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if whole {
            guard let value = Int64(text) else { throw bad() }
            return .int(value)
        }
        guard let value = Double(text), value.isFinite else { throw bad() }
        return .double(value)
    }

    private mutating func digits() -> Int {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        return at - start
    }

    private mutating func string() throws(VeilfoldError) -> String {
        at += 1
        let start = at
        var text: [UInt8] = []
        var plain = true
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let end = at
                at += 1
                guard let string = String(validating: plain ? bytes[start..<end] : text[...]) else { throw bad() }
                return string
            case UInt8(ascii: "\\"):
                if plain {
                    text = Array(bytes[start..<at])
                    plain = false
                }
                at += 1
                try escape(into: &text)
            case 0..<0x20: throw bad()
            default:
                if !plain { text.append(byte) }
                at += 1
            }
        }
        throw bad()
    }

    private mutating func escape(into text: inout [UInt8]) throws(VeilfoldError) {
        guard let byte = next else { throw bad() }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try fourHex()
            if (0xD800..<0xDC00).contains(code) {
                guard take("\\"), take("u") else { throw bad() }
                let low = try fourHex()
                guard (0xDC00..<0xE000).contains(low) else { throw bad() }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw bad() }
            text.append(contentsOf: Character(scalar).utf8)
        default: throw bad()
        }
    }

    private mutating func fourHex() throws(VeilfoldError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw bad() }
        let digits = bytes[at..<at + 4]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { throw bad() }
        at += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: sign) else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private func bad() -> VeilfoldError {
        .badJSON("it is not well formed at character \(at + 1)")
    }
}

extension String {
    fileprivate init?(validating bytes: ArraySlice<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        // Repairing makes a text longer or other; one that was valid comes out as it is.
        guard text.utf8.elementsEqual(bytes) else { return nil }
        self = text
    }
}
