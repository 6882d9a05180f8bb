import Foundation
import Veilfold

/// A live query that is read all the time.
actor Watch {
    private var rows: Value.Object = [:]
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var reading: Task<Void, Never>?

    /// Waits until it shows what the order says.
    func shown(_ order: Value) async -> Value {
        while !isShown(order) {
            await withCheckedContinuation { waiting.append($0) }
        }
        guard order["rows"] != nil else { return .null }
        return ["rows": .array(rows.map { [.string($0.key), $0.value.typed] })]
    }

    /// Ends it by cancelling the task that reads.
    func cancel() async {
        reading?.cancel()
        await reading?.value
    }

    /// Starts to read.
    func start(_ collection: DocumentCollection<Value>) {
        reading = Task {
            do {
                for try await change in collection.changes() { show(change.rows) }
            } catch {
                FileHandle.standardError.write(Data("a live query ended: \(error)\n".utf8))
            }
        }
    }

    private func show(_ rows: [Row<Value>]) {
        self.rows = Value.Object(rows.map { ($0.id, $0.document) })
        for one in waiting { one.resume() }
        waiting = []
    }

    private func isShown(_ order: Value) -> Bool {
        if let count = order["rows"]?.int { return rows.count == Int(count) }
        var value = order["id"]?.string.flatMap { rows[$0] }
        for key in (order["path"]?.string ?? "").split(separator: ".") { value = value?[String(key)] }
        return value?.typed == order["value"]
    }
}
