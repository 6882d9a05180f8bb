// The Swift player: drives the package by orders on standard input, one JSON object a line.
// `tests/scenarios/README.md` says what each order means.

import Foundation
import Veilfold

@main
struct Player {
    static func main() async throws {
        var devices: [String: Device] = [:]
        while let line = readLine() {
            let answer: Value
            do {
                answer = ["ok": try await obey(&devices, try Value(json: Data(line.utf8)))]
            } catch let error as VeilfoldError {
                answer = ["error": ["kind": .string(error.kind), "code": .string(error.code)]]
            }
            FileHandle.standardOutput.write(try answer.json() + Data("\n".utf8))
        }
    }

    private static func obey(_ devices: inout [String: Device], _ order: Value) async throws -> Value {
        if order["do"] == "codec" {
            let value = try Value(json: Data(try order.text("json").utf8))
            return ["typed": value.typed, "json": .string(String(decoding: try value.json(), as: UTF8.self))]
        }
        let name = try order.text("as")
        if order["do"] == "open" {
            devices[name] = try await Device.open(order)
            return .null
        }
        guard let device = devices[name] else { throw Confused.noDevice(name) }
        return try await device.obey(order)
    }
}

/// An order that makes no sense ends the player.
enum Confused: Error {
    case noDevice(String)
    case noSpace
    case noReceipt
    case noWatch
    case unknownOrder(String)
    case missing(String)
}

extension VeilfoldError {
    fileprivate var kind: String {
        switch self {
        case .offline: "offline"
        case .notAllowed: "not_allowed"
        case .invalid: "invalid"
        case .relayMisbehaved: "relay_misbehaved"
        case .newerVersion: "newer_version"
        case .corrupt: "corrupt"
        case .internal: "internal"
        }
    }
}

extension Value {
    /// The text under a key that an order has to have.
    func text(_ key: String) throws -> String {
        guard let text = self[key]?.string else { throw Confused.missing(key) }
        return text
    }

    /// The number under a key that an order has to have.
    func number(_ key: String) throws -> Int64 {
        guard let number = self[key]?.int else { throw Confused.missing(key) }
        return number
    }

    /// Type and bits written out.
    var typed: Value {
        switch self {
        case .null, .bool: self
        case .string(let text): ["s": .string(text)]
        case .int(let number): ["i": .string(String(number))]
        case .double(let number): ["f": .string(number.bits)]
        case .array(let items): ["l": .array(items.map(\.typed))]
        case .object(let fields): ["o": .object(fields.mapValues(\.typed))]
        }
    }

    /// The value that was written out.
    func plain() throws -> Value {
        guard let (tag, inner) = object?.first else { return self }
        switch tag {
        case "s": return inner
        case "i":
            guard let number = inner.string.flatMap({ Int64($0) }) else { throw Confused.missing("i") }
            return .int(number)
        case "f":
            guard let bits = inner.string.flatMap({ UInt64($0, radix: 16) }) else { throw Confused.missing("f") }
            return .double(Double(bitPattern: bits))
        case "l": return .array(try (inner.array ?? []).map { try $0.plain() })
        default: return .object(try (inner.object ?? [:]).mapValues { try $0.plain() })
        }
    }
}

extension Double {
    fileprivate var bits: String {
        let digits = String(bitPattern, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
