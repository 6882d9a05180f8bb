// A program that tries to start a relay, for a machine where none can be started.

package dev.veilfold.testing

import java.io.IOException
import kotlin.system.exitProcess

fun main() {
    try {
        Relay.start()
    } catch (_: IOException) {
        exitProcess(3)
    }
}
