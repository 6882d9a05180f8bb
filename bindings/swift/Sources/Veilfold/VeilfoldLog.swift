internal import VeilfoldFFI

/// What Veilfold says of its own work: ids, sizes and reasons, never names, keys or contents.
public enum VeilfoldLog {
    /// How much is said.
    public enum Level: Sendable, Hashable, CaseIterable {
        /// What needs somebody to act.
        case error
        /// What went wrong and is being mended.
        case warn
        /// What changes now and then: connections, spaces.
        case info
        /// Every step.
        case debug
    }

    /// Starts logging, or changes its level and sink. Without a sink lines go to the unified log on Apple's
    /// systems, elsewhere to the standard error stream.
    ///
    /// A sink is called on a thread of Veilfold's own, a line at a time; while it is slow lines are dropped,
    /// and the next one says how many.
    public static func start(
        _ level: Level = .info, sink: (@Sendable (Level, String) -> Void)? = nil
    ) throws(VeilfoldError) {
        let native: LogLevel =
            switch level {
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            }
        try told { try startLogging(level: native, sink: sink.map(Sink.init)) }
    }

    /// Ends logging and waits a moment for the lines that are on their way.
    public static func stop() throws(VeilfoldError) {
        try told { try stopLogging() }
    }

    private final class Sink: LogSink {
        let sink: @Sendable (Level, String) -> Void

        init(_ sink: @escaping @Sendable (Level, String) -> Void) {
            self.sink = sink
        }

        func write(level: LogLevel, line: String) throws {
            let level: Level =
                switch level {
                case .error: .error
                case .warn: .warn
                case .info: .info
                case .debug: .debug
                }
            sink(level, line)
        }
    }
}
