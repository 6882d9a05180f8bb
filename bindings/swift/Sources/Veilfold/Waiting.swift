import Foundation
internal import VeilfoldFFI

/// Waits for something that may never come, and no longer than its task is wanted.
///
/// Cancelling a task does not reach a call of the generated layer by itself, so the call is told.
func waited<T: Sendable>(
    _ start: () throws -> AsyncCall, _ answer: (AsyncCall) async throws -> T
) async throws -> T {
    let call = try told(start)
    do {
        return try await withTaskCancellationHandler {
            try await answer(call)
        } onCancel: {
            // Cancelling fails only where there is nothing to end any more.
            try? call.cancel()
        }
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
