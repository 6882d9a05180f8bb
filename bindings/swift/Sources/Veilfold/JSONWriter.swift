import Foundation

/// Writes values as UTF-8 JSON: a double always has a point or an exponent, a whole number never.
struct JSONWriter {
    private var bytes: [UInt8] = []

    /// The text of a value. Throws `invalid` with `bad_json` for NaN, infinities and too deep nesting.
    static func data(_ value: Value) throws(VeilfoldError) -> Data {
        var writer = JSONWriter()
        try writer.write(value, depth: 0)
        return Data(writer.bytes)
    }

    private mutating func write(_ value: Value, depth: Int) throws(VeilfoldError) {
        guard depth <= JSONReader.depthMax else { throw .badJSON("it is nested too deeply") }
        switch value {
        case .null: put("null")
        case .bool(let value): put(value ? "true" : "false")
        case .int(let value): put(String(value))
        case .double(let value):
            guard value.isFinite else { throw .badJSON("NaN and infinities are not JSON") }
            put(value.description)
        case .string(let text): write(text)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try write(item, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields):
            bytes.append(UInt8(ascii: "{"))
            // They are in one order, so equal values are equal bytes.
            for (index, field) in fields.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(field.key)
                bytes.append(UInt8(ascii: ":"))
                try write(field.value, depth: depth + 1)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x20...: bytes.append(byte)
            default:
                put("\\u00")
                bytes.append(Self.hex[Int(byte >> 4)])
                bytes.append(Self.hex[Int(byte & 15)])
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func put(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private static let hex = Array("0123456789abcdef".utf8)
}

extension VeilfoldError {
    static func badJSON(_ why: String) -> VeilfoldError {
        .invalid(code: "bad_json", detail: "only JSON can be stored: \(why)")
    }
}
