import Foundation
import Veilfold

/// A resolver that adds, and counts how often it is called.
final class Counted: @unchecked Sendable {
    private let lock = NSLock()
    private var calls: Int64 = 0

    /// What a client is opened with.
    var resolver: Resolver {
        Resolver("counted") { fields, call in
            self.lock.withLock { self.calls += 1 }
            let (sum, tooLarge) = (fields?["n"]?.int ?? 0).addingReportingOverflow(
                try call.arguments(as: Int64.self))
            if tooLarge { throw Resolver.Refusal("too large") }
            return ["n": .int(sum)]
        }
    }

    /// What was counted so far.
    var value: Value { ["calls": .int(lock.withLock { calls }), "crossings": nil] }
}
