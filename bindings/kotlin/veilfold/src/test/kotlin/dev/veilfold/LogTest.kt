// What is logged, and where it goes.

package dev.veilfold

import kotlinx.coroutines.channels.Channel
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class LogTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun linesReachTheSinkAndOneThatThrowsHarmsNobody() = story {
        val lines = Channel<Pair<VeilfoldLog.Level, String>>(Channel.UNLIMITED)
        VeilfoldLog.start { level, line ->
            lines.trySend(level to line)
            throw AssertionError("a sink that fails")
        }
        try {
            Veilfold.open(store(folder), "ws://127.0.0.1:1", name = "Canary").use { client ->
                client.createSpace("Canary").collection("canaries").put(Document("canary", "canary" to "canary"))
                var (level, line) = lines.receive()
                while ("disconnected" !in line) {
                    assertFalse("canar" in line.lowercase(), line)
                    lines.receive().let {
                        level = it.first
                        line = it.second
                    }
                }
                assertEquals(VeilfoldLog.Level.INFO, level)
            }
        } finally {
            VeilfoldLog.stop()
        }
    }
}
