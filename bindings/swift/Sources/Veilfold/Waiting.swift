import Foundation
internal import VeilfoldFFI

/// Awaits what may never come. A cancelled task gets its own error, not that of a call that was ended.
func waited<T: Sendable>(_ call: () async throws -> T) async throws -> T {
    do {
        return try await call()
    } catch {
        try Task.checkCancellation()
        throw VeilfoldError(native: error)
    }
}

/// Runs work that blocks its thread, away from the threads that tasks run on.
func onOwnThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result { try work() })
        }
    }
}
