// What the tests need: a device in a folder of its own, patience that ends, and errors looked at.

package dev.veilfold

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.fail
import java.io.File
import kotlin.time.Duration.Companion.seconds

@Serializable
data class Item(val id: String, val title: String, val qty: Int = 1, val done: Boolean = false)

fun store(folder: File, name: String = "alice"): String = File(folder, "$name.db").path

/** Runs a test to its end, and not for ever. */
fun story(work: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(50.seconds) { work() } }

/** The same with a device on this machine alone. */
fun alone(folder: File, work: suspend CoroutineScope.(Space) -> Unit) =
    story { Veilfold.open(store(folder)).use { work(it.createSpace("Groceries")) } }

/** The error of a call that has to fail with that code. */
suspend fun failure(code: String, call: suspend () -> Any?): VeilfoldException {
    val error =
        try {
            call()
            null
        } catch (error: VeilfoldException) {
            error
        }
    assertEquals(code, error?.code)
    return error ?: fail("nothing failed")
}
