// A real Relay for the tests of apps: a process of its own, with its entries in memory.

package dev.veilfold.testing

import java.io.Closeable
import java.io.File
import java.io.IOException
import java.util.concurrent.TimeUnit

private const val BINARY = "VEILFOLD_RELAY_BIN"
private const val STOPPING_S = 5L
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
public class Relay private constructor(private val process: Process, public val url: String) : Closeable {
    private val stopper = Thread { stop() }

    init {
        Runtime.getRuntime().addShutdownHook(stopper)
    }

    /** Stops it; devices go offline. Stopping twice is no error. */
    override fun close() {
        stop()
        try {
            Runtime.getRuntime().removeShutdownHook(stopper)
        } catch (_: IllegalStateException) {
            // This is the end of the process, which stops it anyway.
        }
    }

    private fun stop() {
        process.destroy()
        if (!process.waitFor(STOPPING_S, TimeUnit.SECONDS)) process.destroyForcibly().waitFor()
    }

    /** Starts relays. */
    public companion object {
        /**
         * Starts a relay and waits until it listens.
         *
         * @throws IOException when there is no program for this machine or it does not start.
         */
        @JvmStatic
        public fun start(): Relay {
            val command = listOf(program().path, "--memory", "--listen", "127.0.0.1:0")
            val builder = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT)
            builder.environment().putIfAbsent("VEILFOLD_LOG", "warn")
            val process = builder.start()
            val said = process.inputStream.bufferedReader()
            val address = said.readLine()?.let(ADDRESS::find)?.value
            if (address == null) {
                process.destroyForcibly()
                throw IOException("the relay did not say where it listens")
            }
            // It must not wait for somebody who reads what else it says.
            Thread { said.forEachLine { } }.apply { isDaemon = true }.start()
            return Relay(process, "ws://$address")
        }

        private fun program(): File = System.getenv(BINARY)?.let(::File) ?: packed

        private val packed: File by lazy {
            val name = "${platform()}/veilfold-relay"
            val packed =
                Relay::class.java.getResourceAsStream("/$name")
                    ?: throw IOException("there is no $name in this artifact; name a program with $BINARY")
            val file = File.createTempFile("veilfold-relay", null)
            file.deleteOnExit()
            packed.use { from -> file.outputStream().use { from.copyTo(it) } }
            if (!file.setExecutable(true)) throw IOException("${file.parent} does not allow programs")
            file
        }

        private fun platform(): String = platformOf(System.getProperty("os.name"), System.getProperty("os.arch"))
    }
}

/** The folder of a platform, named as JNA names those of native libraries. */
internal fun platformOf(system: String, machine: String): String {
    val name = system.lowercase()
    val own =
        when {
            name.startsWith("mac") -> "darwin"
            name.startsWith("windows") -> "win32"
            else -> name
        }
    val processor =
        when (machine) {
            "amd64", "x86_64" -> "x86-64"
            "arm64" -> "aarch64"
            else -> machine
        }
    return "$own-$processor"
}
