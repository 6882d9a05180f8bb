// Two terminals and a relay: what one types, the other sees.

package dev.veilfold.examples.list

import dev.veilfold.Veilfold
import dev.veilfold.testing.Relay
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.BufferedReader
import java.io.File
import java.io.PipedInputStream
import java.io.PipedOutputStream
import java.io.PrintStream

/** Somebody at a terminal. */
private class Terminal(scope: CoroutineScope, file: File, relay: String) {
    private val typed = PipedOutputStream()
    private val keys = PrintStream(typed, true)
    private val screen: BufferedReader

    init {
        val lines = PipedInputStream(typed).bufferedReader()
        val shown = PipedOutputStream()
        screen = PipedInputStream(shown, 1 shl 16).bufferedReader()
        scope.launch(Dispatchers.IO) {
            Veilfold.open(file, relay).use { run(it, lines, PrintStream(shown, true)) }
            shown.close()
        }
    }

    fun type(line: String) = keys.println(line)

    /** Reads on until something is shown. */
    fun sees(text: String): String = generateSequence(screen::readLine).first { text in it }

    fun leave() = keys.close()
}

class MainTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun twoPeopleShareAList() = runBlocking {
        Relay.start().use { relay ->
            val alice = Terminal(this, File(folder, "alice.db"), relay.url)
            val bob = Terminal(this, File(folder, "bob.db"), relay.url)
            alice.type("add milk")
            alice.sees("1 milk")
            bob.type("card")
            alice.type("invite ${bob.sees("card ").removePrefix("card ")}")
            bob.type("join ${alice.sees("ticket ").removePrefix("ticket ")}")
            bob.sees("1 milk")
            bob.type("add milk")
            alice.sees("2 milk")
            alice.type("buy milk")
            bob.sees("[x] 2 milk")
            alice.type("dance")
            alice.sees("buy NAME")
            alice.leave()
            relay.close()
            bob.sees("[x] 2 milk (offline)")
            bob.leave()
        }
    }
}
