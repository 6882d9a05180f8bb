import Foundation
internal import VeilfoldFFI

/// What a call of the generated layer gives, awaited. Every call that takes time is started by one function and
/// answered by another, which is the same for all.
///
/// Cancelling a task does not reach a call by itself, so the call is told here, once for all: a wait or a read fails
/// with `cancelled` then; what changes something goes on, and its answer is still waited for.
extension AsyncCall {
    private func of<T>(_ kind: (Answer) -> T?) async throws -> T {
        let answer = try await withTaskCancellationHandler {
            try await self.answer()
        } onCancel: {
            // Cancelling fails only where there is nothing to end any more.
            try? cancel()
        }
        guard let value = kind(answer) else {
            throw VeilfoldError.internal(code: "internal", detail: "an answer of another kind")
        }
        return value
    }

    func done() async throws {
        try await of { if case .done = $0 { () } else { nil } }
    }

    func flag() async throws -> Bool {
        try await of { if case .flag(let value) = $0 { value } else { nil } }
    }

    func number() async throws -> Int64 {
        try await of { if case .number(let value) = $0 { value } else { nil } }
    }

    func optionalText() async throws -> String? {
        try await of { if case .text(let value) = $0 { .some(value) } else { nil } }
    }

    func text() async throws -> String {
        try await of { if case .text(let value) = $0 { value } else { nil } }
    }

    func optionalJson() async throws -> Data? {
        try await of { if case .json(let value) = $0 { .some(value) } else { nil } }
    }

    func json() async throws -> Data {
        try await of { if case .json(let value) = $0 { value } else { nil } }
    }

    func client() async throws -> VeilfoldFFI.Client {
        try await of { if case .client(let value) = $0 { value } else { nil } }
    }

    func space() async throws -> VeilfoldFFI.Space {
        try await of { if case .space(let value) = $0 { value } else { nil } }
    }

    func spaces() async throws -> [SpaceEntry] {
        try await of { if case .spaces(let value) = $0 { value } else { nil } }
    }

    func clientStatus() async throws -> VeilfoldFFI.ClientStatus {
        try await of { if case .clientStatus(let value) = $0 { value } else { nil } }
    }

    func optionalStatus() async throws -> VeilfoldFFI.SpaceStatus? {
        try await of { if case .spaceStatus(let value) = $0 { .some(value) } else { nil } }
    }

    func status() async throws -> VeilfoldFFI.SpaceStatus {
        try await of { if case .spaceStatus(let value) = $0 { value } else { nil } }
    }

    func members() async throws -> [VeilfoldFFI.Member] {
        try await of { if case .members(let value) = $0 { value } else { nil } }
    }

    func added() async throws -> Added {
        try await of { if case .added(let value) = $0 { value } else { nil } }
    }

    func optionalReceipt() async throws -> VeilfoldFFI.Receipt? {
        try await of { if case .receipt(let value) = $0 { .some(value) } else { nil } }
    }

    func receipt() async throws -> VeilfoldFFI.Receipt {
        try await of { if case .receipt(let value) = $0 { value } else { nil } }
    }

    func outcome() async throws -> Outcome? {
        try await of { if case .outcome(let value) = $0 { .some(value) } else { nil } }
    }

    func fate() async throws -> VeilfoldFFI.Fate {
        try await of { if case .fate(let value) = $0 { value } else { nil } }
    }

    func fates() async throws -> FateBatch? {
        try await of { if case .fateBatch(let value) = $0 { .some(value) } else { nil } }
    }

    func events() async throws -> EventBatch? {
        try await of { if case .eventBatch(let value) = $0 { .some(value) } else { nil } }
    }

    func retry() async throws -> RetryRun? {
        try await of { if case .retry(let value) = $0 { .some(value) } else { nil } }
    }

    func live() async throws -> VeilfoldFFI.LiveQuery {
        try await of { if case .live(let value) = $0 { value } else { nil } }
    }

    func statusStream() async throws -> VeilfoldFFI.StatusStream {
        try await of { if case .statusStream(let value) = $0 { value } else { nil } }
    }

    func eventStream() async throws -> VeilfoldFFI.EventStream {
        try await of { if case .eventStream(let value) = $0 { value } else { nil } }
    }

    func fateStream() async throws -> VeilfoldFFI.FateStream {
        try await of { if case .fateStream(let value) = $0 { value } else { nil } }
    }

    func retryStream() async throws -> RetryStream {
        try await of { if case .retryStream(let value) = $0 { value } else { nil } }
    }
}
