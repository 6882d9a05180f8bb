import Foundation
internal import VeilfoldFFI

/// Why a call failed, sorted by who can act. Codes are stable and for programs; details are for people and
/// hold ids, sizes and positions, never names, keys or contents.
public enum VeilfoldError: Error, Hashable, Sendable {
    /// There is no connection; it is tried again by itself.
    case offline(code: String, detail: String)
    /// This device may not do that in this space.
    case notAllowed(code: String, detail: String)
    /// The call is wrong; the detail says what to change.
    case invalid(code: String, detail: String)
    /// The relay gave something that an honest one cannot give.
    case relayMisbehaved(code: String, detail: String)
    /// Data of a newer version of the app; update it.
    case newerVersion(code: String, detail: String)
    /// Local data is damaged or cannot be opened.
    case corrupt(code: String, detail: String)
    /// A broken assumption of Veilfold itself; report it.
    case `internal`(code: String, detail: String)
}

extension VeilfoldError {
    /// The stable code, for programs.
    public var code: String { parts.code }

    /// What happened and what to do, for people.
    public var detail: String { parts.detail }

    private var parts: (code: String, detail: String) {
        switch self {
        case .offline(let code, let detail), .notAllowed(let code, let detail),
            .invalid(let code, let detail), .relayMisbehaved(let code, let detail),
            .newerVersion(let code, let detail), .corrupt(let code, let detail),
            .internal(let code, let detail):
            (code, detail)
        }
    }
}

extension VeilfoldError: LocalizedError, CustomStringConvertible {
    public var description: String { "\(code): \(detail)" }

    public var errorDescription: String? { detail }
}

extension VeilfoldError {
    /// The error of this module for what the generated layer threw.
    init(native error: any Error) {
        self =
            switch error {
            case let error as VeilfoldError: error
            case VeilfoldFFI.VeilfoldError.Offline(let code, let detail): .offline(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.NotAllowed(let code, let detail):
                .notAllowed(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.Invalid(let code, let detail): .invalid(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.RelayMisbehaved(let code, let detail):
                .relayMisbehaved(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.NewerVersion(let code, let detail):
                .newerVersion(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.Corrupt(let code, let detail): .corrupt(code: code, detail: detail)
            case VeilfoldFFI.VeilfoldError.Internal(let code, let detail):
                .internal(code: code, detail: detail)
            default: .internal(code: "internal", detail: "\(type(of: error)) at the border")
            }
    }
}

extension VeilfoldError {
    /// What a wait or a read fails with that was ended because its task was cancelled.
    static let cancelled = VeilfoldError.invalid(code: "cancelled", detail: "the caller ended the wait")
}

/// Awaits a call of the generated layer and throws this module's errors; also for `VeilfoldTesting`.
package func answered<T: Sendable>(_ call: () async throws -> T) async throws(VeilfoldError) -> T {
    do { return try await call() } catch { throw VeilfoldError(native: error) }
}

/// Makes a call of the generated layer that does not wait and throws this module's errors.
func told<T>(_ call: () throws -> T) throws(VeilfoldError) -> T {
    do { return try call() } catch { throw VeilfoldError(native: error) }
}
