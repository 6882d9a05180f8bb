// A relay that lies on order, for the tests of apps.

package dev.veilfold.testing

import java.io.Closeable
import java.io.IOException

/** What a hostile relay does to devices at its lying door. */
public enum class Lie {
    /** Leaves an entry out and moves the others up. */
    OMITS,

    /** Swaps two entries that follow each other. */
    REORDERS,

    /** Gives one entry a second place. */
    REPEATS,

    /** Shows another log from here on, which comes to light with the truth. */
    FORKS,

    /** Holds back what is ordered, which no device can tell from a slow network. */
    DELAYS,
}

/**
 * A relay with two doors: devices at [url] hear the truth, those at [lyingUrl] what was ordered.
 *
 * ```
 * HostileRelay.start().use { relay ->
 *     Veilfold.open(file, relay = relay.lyingUrl).use { bob ->
 *         relay.lie(Lie.OMITS)
 *         …
 *     }
 * }
 * ```
 *
 * Both doors lead to one real relay, with its entries in memory. What a lie is told about goes on by itself
 * with the truth, unless two logs were shown: that space stays `SyncState.Forked`. The program is that of
 * [Relay].
 *
 * @property url The door at which it tells the truth.
 * @property lyingUrl The door at which it lies.
 */
public class HostileRelay private constructor(
    private val program: Program,
    public val url: String,
    public val lyingUrl: String,
) : Closeable {
    /**
     * Lies like this from now on; `null` tells the truth again. Connections at the lying door end, and
     * devices connect again by themselves. Blocks until that is done, for milliseconds.
     *
     * @throws IOException when the relay has ended.
     */
    @Synchronized
    public fun lie(kind: Lie?) {
        val answer = program.ask(kind?.name?.lowercase() ?: "truth")
        if (answer != "ok") throw IOException("the relay did not do it: ${answer ?: "it has ended"}")
    }

    /** Stops it; devices go offline. Stopping twice is no error. */
    override fun close(): Unit = program.close()

    /** Starts relays that lie. */
    public companion object {
        /**
         * Starts one, which tells the truth at both doors, and waits until it listens.
         *
         * @throws IOException when there is no program for this machine or it does not start.
         */
        @JvmStatic
        public fun start(): HostileRelay {
            val program = Program.start("--hostile", "--memory")
            val (honest, lying) = addresses(program, 2)
            return HostileRelay(program, "ws://$honest", "ws://$lying")
        }
    }
}
