import Foundation

/// A text that equals another one when their bytes are equal, as Veilfold and other languages compare ids and names.
///
/// Swift takes texts for equal that differ only in their Unicode form: `é` is one scalar or two. So no dictionary or
/// set here has ids or names in it without this.
struct ExactText: Hashable, Comparable, Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (one: Self, other: Self) -> Bool {
        one.text.utf8.count == other.text.utf8.count && compare(one, other) == 0
    }

    static func < (one: Self, other: Self) -> Bool {
        compare(one, other) < 0
    }

    /// Below, at or above 0 as the bytes of the one come before those of the other. What holds its bytes in one piece, as
    /// almost every text does, is compared several times as fast as byte by byte.
    private static func compare(_ one: Self, _ other: Self) -> Int {
        let order = one.text.utf8.withContiguousStorageIfAvailable { one in
            other.text.utf8.withContiguousStorageIfAvailable { other in
                guard let mine = one.baseAddress, let its = other.baseAddress else { return one.count - other.count }
                let order = Int(memcmp(mine, its, min(one.count, other.count)))
                return order == 0 ? one.count - other.count : order
            }
        }
        if let order, let order { return order }
        if one.text.utf8.elementsEqual(other.text.utf8) { return 0 }
        return one.text.utf8.lexicographicallyPrecedes(other.text.utf8) ? -1 : 1
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // No text has this byte, so two of them in a row are not taken for two others.
        hasher.combine(0xFF as UInt8)
    }

    /// What people are told then.
    static let mergedNames = "Swift takes texts for one that differ only in their Unicode form: use Value.Object"

    /// True when Swift takes two different ones of these for one.
    static func areMerged(_ texts: [String]) -> Bool {
        Set(texts).count < Set(texts.map(ExactText.init)).count
    }
}
