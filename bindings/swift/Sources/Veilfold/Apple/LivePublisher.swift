#if canImport(Combine)
import Combine
import Foundation

/// A collection as it changes, for Combine: a publisher of all its documents, by id.
///
/// Each subscription is a query of its own. A subscriber that asks slowly gets the newest state. Values come on
/// a thread of Veilfold's choosing: `.receive(on: DispatchQueue.main)` brings them to the main one. Finishes
/// when the client closes.
public struct LivePublisher<Document: Codable & Sendable>: Publisher {
    public typealias Output = [Document]
    public typealias Failure = VeilfoldError
    let rows: LiveRows<Document>

    public func receive<S: Subscriber>(subscriber: S) where S.Input == Output, S.Failure == Failure {
        subscriber.receive(subscription: LiveSubscription(rows, subscriber))
    }
}

extension DocumentCollection {
    /// Watches all documents.
    public func publisher() -> LivePublisher<Document> { LivePublisher(rows: live()) }
}

/// Pulls a state for each one that the subscriber asks for. The lock guards all that changes.
private final class LiveSubscription<Document: Codable & Sendable, S: Subscriber>: Subscription, @unchecked Sendable
where S.Input == [Document], S.Failure == VeilfoldError {
    private let lock = NSLock()
    private let rows: LiveRows<Document>
    private var subscriber: S?
    private var demand = Subscribers.Demand.none
    private var asked: CheckedContinuation<Void, Never>?
    private var reading: Task<Void, Never>?

    init(_ rows: LiveRows<Document>, _ subscriber: S) {
        self.rows = rows
        self.subscriber = subscriber
    }

    func request(_ more: Subscribers.Demand) {
        let waiting = lock.withLock { () -> CheckedContinuation<Void, Never>? in
            demand += more
            if reading == nil { reading = Task { await self.read() } }
            defer { asked = nil }
            return asked
        }
        waiting?.resume()
    }

    func cancel() {
        let (reading, waiting) = lock.withLock {
            defer { (subscriber, asked) = (nil, nil) }
            return (self.reading, asked)
        }
        reading?.cancel()
        waiting?.resume()
    }

    private func read() async {
        do {
            var states = rows.makeAsyncIterator()
            while let subscriber = await wanted(), let state = try await states.next() {
                let more = subscriber.receive(state)
                lock.withLock { demand += more }
            }
            end(.finished)
        } catch {
            end(.failure(VeilfoldError(native: error)))
        }
    }

    /// Waits until a state is asked for; nothing when the subscriber has gone.
    private func wanted() async -> S? {
        await withCheckedContinuation { continuation in
            let ready = lock.withLock {
                let ready = subscriber == nil || demand > 0
                if !ready { asked = continuation }
                return ready
            }
            if ready { continuation.resume() }
        }
        return lock.withLock {
            if subscriber != nil, demand != .unlimited { demand -= 1 }
            return subscriber
        }
    }

    private func end(_ completion: Subscribers.Completion<VeilfoldError>) {
        let subscriber = lock.withLock {
            defer { self.subscriber = nil }
            return self.subscriber
        }
        subscriber?.receive(completion: completion)
    }
}
#endif
