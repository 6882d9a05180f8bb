extension Value {
    /// The fields of an object, in the order of their names' bytes.
    ///
    /// Two names are one when their bytes are equal, as in every other language. A `[String: Value]` takes names for
    /// equal that differ only in their Unicode form (`é` is one scalar or two), and loses one of them. Use this also in
    /// `Codable` documents whose names other people choose: `var votes: Value.Object`.
    public struct Object: Sendable, Hashable {
        private struct Field: Sendable, Hashable {
            let name: ExactText
            var value: Value
        }

        private var fields: [Field] = []

        /// An object without fields.
        public init() {}

        /// The last of several fields of one name counts.
        public init(_ fields: some Sequence<(String, Value)>) {
            let given = fields.map { Field(name: ExactText($0), value: $1) }
            self.fields = given
            if isAscending { return }
            self.fields.sort { $0.name < $1.name }
            if isAscending { return }
            var last: [ExactText: Value] = [:]
            for field in given { last[field.name] = field.value }
            self.fields = last.map(Field.init).sorted { $0.name < $1.name }
        }

        /// The fields of a dictionary.
        public init(_ fields: [String: Value]) {
            self.init(fields.map { ($0, $1) })
        }

        /// The value of a field; `nil` where there is none, and to remove it.
        public subscript(name: String) -> Value? {
            get {
                let name = ExactText(name)
                let place = place(name)
                // A bare `nil` beside a value would be a value here.
                guard place < fields.count, fields[place].name == name else { return nil }
                return fields[place].value
            }
            set {
                let name = ExactText(name)
                let place = place(name)
                let there = place < fields.count && fields[place].name == name
                switch newValue {
                case let value? where there: fields[place].value = value
                case let value?: fields.insert(Field(name: name, value: value), at: place)
                case nil: if there { fields.remove(at: place) }
                }
            }
        }

        /// The names of the fields.
        public var keys: [String] { fields.map(\.name.text) }

        /// The values of the fields, in the order of their names.
        public var values: [Value] { fields.map(\.value) }

        /// The same fields with other values.
        public func mapValues(_ change: (Value) throws -> Value) rethrows -> Object {
            var changed = self
            for place in fields.indices { changed.fields[place].value = try change(fields[place].value) }
            return changed
        }

        private var isAscending: Bool {
            fields.indices.dropFirst().allSatisfy { fields[$0 - 1].name < fields[$0].name }
        }

        /// The first field whose name does not come before this one.
        private func place(_ name: ExactText) -> Int {
            var (low, high) = (0, fields.count)
            while low < high {
                let middle = (low + high) / 2
                if fields[middle].name < name { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }
}

extension Value.Object: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { fields.count }

    public subscript(position: Int) -> (key: String, value: Value) {
        (fields[position].name.text, fields[position].value)
    }
}

extension Value.Object: ExpressibleByDictionaryLiteral {
    /// The last of several fields of one name counts.
    public init(dictionaryLiteral fields: (String, Value)...) {
        self.init(fields)
    }
}

extension Value.Object: Codable {
    public init(from decoder: any Decoder) throws {
        guard case .object(let fields) = try Value(from: decoder) else {
            throw DecodingError.typeMismatch(
                Self.self, .init(codingPath: decoder.codingPath, debugDescription: "it is something else"))
        }
        self = fields
    }

    public func encode(to encoder: any Encoder) throws {
        try Value.object(self).encode(to: encoder)
    }
}
