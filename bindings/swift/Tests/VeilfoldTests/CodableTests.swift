import Foundation
import XCTest

@testable import Veilfold

final class CodableTests: XCTestCase {
    private enum Kind: String, Codable { case plain, fancy }

    private struct Everything: Codable, Equatable {
        var text = "x"
        var whole = Int64.max
        var small: UInt8 = 200
        var floating = 1.0
        var single: Float = 0.5
        var yes = true
        var list = [1, 2]
        var nested = ["a": [1.5]]
        var kind = Kind.fancy
        var there: Int? = 1
        var missing: Int?
        var date = Date(timeIntervalSince1970: 12.5)
        var url = URL(string: "https://example.org/x?y")!
        var uuid = UUID(uuidString: "00000000-0000-0000-0000-000000000001")!
        var any: Value = ["free": [1, 2.0]]
    }

    private class Base: Codable {
        var base = 1
    }

    private final class Derived: Base {
        var own = "x"
        private enum Keys: String, CodingKey { case own }

        override init() { super.init() }

        required init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            own = try container.decode(String.self, forKey: .own)
            try super.init(from: try container.superDecoder())
        }

        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Keys.self)
            try container.encode(own, forKey: .own)
            try super.encode(to: container.superEncoder())
        }
    }

    func testEverythingComesBack() throws {
        let sent = Everything()
        let value = try ValueEncoder.value(sent)
        XCTAssertEqual(value["whole"], .int(.max))
        XCTAssertEqual(value["floating"], .double(1))
        XCTAssertEqual(value["date"], .double(12.5))
        XCTAssertEqual(value["url"], "https://example.org/x?y")
        XCTAssertEqual(value["any"], ["free": [1, 2.0]])
        XCTAssertNil(value["missing"])
        let read = try Value(json: try value.json())
        XCTAssertEqual(try ValueDecoder.decode(Everything.self, from: read), sent)
    }

    func testClassesWithASuperclassComeBack() throws {
        let value = try ValueEncoder.value(Derived())
        XCTAssertEqual(value, ["own": "x", "super": ["base": 1]])
        let read = try ValueDecoder.decode(Derived.self, from: value)
        XCTAssertEqual(read.base, 1)
    }

    func testAWrongTypeNamesTheFieldAndNotItsContent() {
        struct Wanted: Codable { var inner: [String: Int] }
        let wrong: [(Value, String)] = [
            (["inner": ["a": "nonsense"]], "'inner.a' is something else"),
            (["inner": ["a": 1.0]], "'inner.a' is something else"),
            ([:], "'inner' is missing"),
            (["inner": 1], "'inner' is something else"),
        ]
        for (value, text) in wrong {
            XCTAssertThrowsError(try ValueDecoder.decode(Wanted.self, from: value)) { error in
                let error = error as? VeilfoldError
                XCTAssertEqual(error?.code, "wrong_type")
                XCTAssertTrue(error?.detail.contains(text) ?? false, error?.detail ?? "")
                XCTAssertFalse(error?.detail.contains("nonsense") ?? true)
            }
        }
    }

    func testAWholeNumberReadsAsADoubleOnlyWithoutLoss() throws {
        XCTAssertEqual(try ValueDecoder.decode(Double.self, from: 2), 2.0)
        XCTAssertThrowsError(try ValueDecoder.decode(Double.self, from: .int(9007199254740993)))
        XCTAssertThrowsError(try ValueDecoder.decode(Int.self, from: 2.0))
        XCTAssertThrowsError(try ValueDecoder.decode(UInt8.self, from: 256))
    }

    func testBytesAndTooLargeNumbersAreRefused() {
        for value in [Data([1]), UInt64.max, ["deep": [Data()]]] as [any Encodable] {
            XCTAssertThrowsError(try ValueEncoder.value(value)) { error in
                XCTAssertEqual((error as? VeilfoldError)?.code, "bad_json")
            }
        }
    }

    func testValuesPassThroughOtherCoders() throws {
        let value: Value = ["a": [1, "x", true, nil]]
        let read = try JSONDecoder().decode(Value.self, from: try JSONEncoder().encode(value))
        XCTAssertEqual(read, value)
    }
}
