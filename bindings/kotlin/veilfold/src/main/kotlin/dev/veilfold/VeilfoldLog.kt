// What Veilfold says of its own work, on its way to the app or to the platform's log.

package dev.veilfold

import dev.veilfold.ffi.startLogging
import dev.veilfold.ffi.stopLogging
import dev.veilfold.ffi.LogLevel as NativeLevel
import dev.veilfold.ffi.LogSink as NativeSink
import dev.veilfold.ffi.LogSinkException as NativeSinkException

/** What Veilfold says of its own work: ids, sizes and reasons, never names, keys or contents. */
public object VeilfoldLog {
    /** How much is said. */
    public enum class Level(internal val native: NativeLevel) {
        /** What needs somebody to act. */
        ERROR(NativeLevel.ERROR),

        /** What went wrong and is being mended. */
        WARN(NativeLevel.WARN),

        /** What changes now and then: connections, spaces. */
        INFO(NativeLevel.INFO),

        /** Every step. */
        DEBUG(NativeLevel.DEBUG),
    }

    /**
     * Starts logging, or changes its level and sink. Without a sink lines go to logcat on Android, and to
     * the standard error stream elsewhere.
     *
     * @param sink Called on a thread of Veilfold's own, a line at a time. What it throws is dropped; while it
     *   is slow lines are dropped too, and the next one says how many.
     */
    public fun start(level: Level = Level.INFO, sink: ((Level, String) -> Unit)? = null): Unit =
        told { startLogging(level.native, sink?.let(::GuardedSink)) }

    /** Ends logging and waits a moment for the lines that are on their way. */
    public fun stop(): Unit = told { stopLogging() }
}

/** An app's sink behind a net, as for a key store. */
private class GuardedSink(private val sink: (VeilfoldLog.Level, String) -> Unit) : NativeSink {
    override fun write(level: NativeLevel, line: String) {
        try {
            sink(VeilfoldLog.Level.entries.first { it.native == level }, line)
        } catch (_: Throwable) {
            throw NativeSinkException.Failed()
        }
    }
}
