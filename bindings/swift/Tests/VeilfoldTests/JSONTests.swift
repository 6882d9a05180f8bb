import Foundation
import XCTest

@testable import Veilfold

final class JSONTests: XCTestCase {
    private func read(_ text: String) throws -> Value { try Value(json: Data(text.utf8)) }

    private func written(_ value: Value) throws -> String { String(decoding: try value.json(), as: UTF8.self) }

    func testNumbersKeepTypeAndBits() throws {
        let numbers: [(String, Value)] = [
            ("1", .int(1)), ("1.0", .double(1)), ("-0.0", .double(-0.0)), ("9007199254740993", .int(9007199254740993)),
            ("-9223372036854775808", .int(.min)), ("9223372036854775807", .int(.max)), ("1e300", .double(1e300)),
            ("5e-324", .double(.leastNonzeroMagnitude)), ("0.1", .double(0.1)), ("1E2", .double(100)), ("-1.5e+3", .double(-1500)),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)),
        ]
        for (text, value) in numbers {
            let got = try read(text)
            XCTAssertEqual(got, value, text)
            let again = try read(try written(got))
            XCTAssertEqual(again.double?.bitPattern, value.double?.bitPattern, text)
            XCTAssertEqual(again.int, value.int, text)
        }
    }

    func testEveryDoubleComesBackWithItsBits() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let number = Double(bitPattern: generator.next())
            guard number.isFinite else { continue }
            XCTAssertEqual(try read(try written(.double(number))).double?.bitPattern, number.bitPattern)
        }
    }

    func testTextsKeepEveryCharacter() throws {
        for text in ["", "\u{0}\n\t\"\\/\u{1f}", "é", "e\u{301}", "👋🏽", "\u{2028}", "日本"] {
            let back = try read(try written(.string(text)))
            XCTAssertEqual(back.string.map { Array($0.utf8) }, Array(text.utf8))
        }
        XCTAssertEqual(try read(#""\ud83e\udd5b \u00e9 \b\f\n\r\t\/""#), .string("🥛 é \u{8}\u{c}\n\r\t/"))
    }

    func testShapesAreReadWithAnySpace() throws {
        let value = try read(" {\"a\" : [ 1 , 2.0, null,true,false , [] ],\r\n\t\"b\":{ } } ")
        XCTAssertEqual(value, ["a": [1, 2.0, nil, true, false, []], "b": [:]])
        XCTAssertEqual(try written(value), #"{"a":[1,2.0,null,true,false,[]],"b":{}}"#)
    }

    func testWhatIsNotJSONIsRefused() {
        let wrong = [
            "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "tru", "01", "-", "1.", ".5", "1e", "+1", "NaN", "1e999",
            "9223372036854775808", "\"\u{1}\"", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
            "\"open", "[1 2]", "{1:2}", "1 1", "\"\\u12\"",
        ]
        for text in wrong {
            XCTAssertThrowsError(try read(text), text) { error in
                XCTAssertEqual((error as? VeilfoldError)?.code, "bad_json")
            }
        }
        XCTAssertThrowsError(try Value(json: Data([0x22, 0xff, 0x22])))
        XCTAssertThrowsError(try Value(json: Data([0x22, 0xed, 0xa0, 0x80, 0x22])))
    }

    func testNestingHasALimitAndNotTheStack() throws {
        let deep = String(repeating: "[", count: 100_000)
        XCTAssertThrowsError(try read(deep))
        let allowed = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        XCTAssertEqual(try written(try read(allowed)), allowed)
        var value = Value.int(1)
        for _ in 0..<1000 { value = .array([value]) }
        XCTAssertThrowsError(try value.json())
    }

    func testNotANumberIsRefused() {
        for number in [Double.nan, .infinity, -.infinity] {
            XCTAssertThrowsError(try Value.double(number).json())
            XCTAssertThrowsError(try ValueEncoder.value(number))
        }
    }

    func testLiteralsMakeValues() {
        let value: Value = ["a": 1, "b": 1.0, "c": [true, nil, "x"]]
        XCTAssertEqual(value["a"]?.int, 1)
        XCTAssertNil(value["a"]?.double)
        XCTAssertEqual(value["b"]?.double, 1)
        XCTAssertEqual(value["c"]?[1], .null)
        XCTAssertEqual(value["c"]?[2]?.string, "x")
        XCTAssertNil(value["c"]?[3])
        XCTAssertNil(value["z"])
        XCTAssertNotEqual(Value.int(1), .double(1))
    }
}
