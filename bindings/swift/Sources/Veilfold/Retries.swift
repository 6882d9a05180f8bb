internal import VeilfoldFFI

/// After a fault that is not the mutator's, for instance a full disk.
private let pause: UInt64 = 5_000_000_000

/// Runs what has to be run again, one after the other, as a task of its own that ends with the client. It holds
/// neither the client nor its store.
func runAgain(_ retries: RetryStream, _ mutators: Mutators) {
    Task.detached {
        while true {
            do throws(VeilfoldError) {
                guard let run = try await answered({ try await retries.next().retry() }) else { return }
                try await once(run, mutators)
            } catch {
                if error.isEnd { return }
                // Nobody cancels this task.
                try? await Task.sleep(nanoseconds: pause)
            }
        }
    }
}

/// Runs one. What ends without an end of its own is handed out again.
private func once(_ run: RetryRun, _ mutators: Mutators) async throws(VeilfoldError) {
    guard let mutator = mutators.find(try told { try run.name() }) else {
        return try await answered { try await run.giveUp(end: .missing).done() }
    }
    let arguments = try JSONReader.value(try told { try run.args() })
    let space = try told { try run.space() }
    let end: RetryEnd
    do {
        _ = try await untilCommitted(space, { try run.begin() }) { tx in try mutator.run(tx, with: arguments) }
        return try told { try run.committed() }
    } catch let error as VeilfoldError {
        switch error {
        case _ where error.isEnd: throw error
        case .invalid("rejected", _): end = .nothingToDo
        case .invalid, .notAllowed: end = .failed
        case .offline, .relayMisbehaved, .newerVersion, .corrupt, .internal: throw error
        }
    } catch {
        end = .failed
    }
    try await answered { try await run.giveUp(end: end).done() }
}

extension VeilfoldError {
    /// The client was closed, or the process ends.
    fileprivate var isEnd: Bool { code == "closed" || code == "process_ending" }
}
