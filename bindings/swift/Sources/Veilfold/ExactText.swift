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
        one.text.utf8.elementsEqual(other.text.utf8)
    }

    static func < (one: Self, other: Self) -> Bool {
        one.text.utf8.lexicographicallyPrecedes(other.text.utf8)
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
