// The relay as a process of its own, which the helpers for tests start and end.

package dev.veilfold.testing

import java.io.BufferedReader
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.util.concurrent.TimeUnit

private const val BINARY = "VEILFOLD_RELAY_BIN"
private const val STOPPING_S = 5L

/** A running program and the line with which it says where it listens. It ends with this process. */
internal class Program private constructor(
    private val process: Process,
    private val said: BufferedReader,
    val announced: String,
) : Closeable {
    private val stopper = Thread { stop() }

    init {
        Runtime.getRuntime().addShutdownHook(stopper)
    }

    /** Nothing that it says from now on is for anybody; it must not wait for somebody who reads it. */
    fun ignore() {
        Thread { said.forEachLine { } }.apply { isDaemon = true }.start()
    }

    /** Gives it a line, and gives the line that it answers with; `null` when it has ended. */
    fun ask(line: String): String? =
        try {
            process.outputStream.apply { write("$line\n".toByteArray()) }.flush()
            said.readLine()
        } catch (_: IOException) {
            null
        }

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

    companion object {
        fun start(vararg arguments: String): Program {
            val command = listOf(file().path, *arguments)
            val builder = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT)
            builder.environment().putIfAbsent("VEILFOLD_LOG", "warn")
            val process = builder.start()
            val said = process.inputStream.bufferedReader()
            val announced = said.readLine()
            if (announced == null) {
                process.destroyForcibly()
                throw IOException("the relay did not say where it listens")
            }
            return Program(process, said, announced)
        }

        private fun file(): File = System.getenv(BINARY)?.let(::File) ?: packed

        private val packed: File by lazy {
            val name = "${platform()}/veilfold-relay"
            val packed =
                Program::class.java.getResourceAsStream("/$name")
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
