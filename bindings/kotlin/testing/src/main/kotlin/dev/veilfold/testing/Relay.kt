// A real Relay for the tests of apps: a process of its own, with its entries in memory.

package dev.veilfold.testing

import java.io.Closeable
import java.io.IOException

private val ADDRESS = Regex("""127\.0\.0\.1:\d+""")

/**
 * A running relay on a free port of this machine. Entries are kept in memory and are gone with it.
 *
 * ```
 * Relay.start().use { relay ->
 *     Veilfold.open(folder.resolve("alice.db"), relay = relay.url).use { alice -> … }
 * }
 * ```
 *
 * The program is the one that the environment variable `VEILFOLD_RELAY_BIN` names, else the one in this
 * artifact for the machine at hand. It ends with [close] and with this process.
 *
 * @property url Its address, for `Veilfold.open(path, relay = relay.url)`.
 */
public class Relay private constructor(private val program: Program, public val url: String) : Closeable {
    /** Stops it; devices go offline. Stopping twice is no error. */
    override fun close(): Unit = program.close()

    /** Starts relays. */
    public companion object {
        /**
         * Starts a relay and waits until it listens.
         *
         * @throws IOException when there is no program for this machine or it does not start.
         */
        @JvmStatic
        public fun start(): Relay {
            val program = Program.start("--memory", "--listen", "127.0.0.1:0")
            program.ignore()
            return Relay(program, "ws://${addresses(program, 1).single()}")
        }
    }
}

/** The addresses in what it announced, in that order. */
internal fun addresses(program: Program, count: Int): List<String> {
    val found = ADDRESS.findAll(program.announced).map { it.value }.toList()
    if (found.size != count) {
        program.close()
        throw IOException("the relay did not say where it listens")
    }
    return found
}
