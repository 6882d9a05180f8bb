import Foundation

/// Waits for something that may never come, and no longer than its task is wanted.
///
/// Cancelling a task does not reach a call of the generated layer. The call is left to itself then; it ends
/// when what it waits for comes, at the latest when the client closes.
func waited<T: Sendable>(_ call: @escaping @Sendable () async throws -> T) async throws -> T {
    let wait = Wait<T>()
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            guard wait.begin(continuation) else { return }
            Task {
                do { wait.end(.success(try await call())) } catch {
                    wait.end(.failure(VeilfoldError(native: error)))
                }
            }
        }
    } onCancel: {
        wait.end(.failure(CancellationError()))
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

/// A continuation that is resumed once, by whoever is first.
private final class Wait<T: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var continuation: CheckedContinuation<T, any Error>?
    private var early: Result<T, any Error>?

    /// False when it has ended before; then the continuation is resumed already.
    func begin(_ continuation: CheckedContinuation<T, any Error>) -> Bool {
        let ended = lock.withLock {
            if early == nil { self.continuation = continuation }
            return early
        }
        if let ended { continuation.resume(with: ended) }
        return ended == nil
    }

    func end(_ result: Result<T, any Error>) {
        let waiting = lock.withLock {
            if early == nil { early = result }
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(with: result)
    }
}
