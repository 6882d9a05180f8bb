// What the tests need: an app's client with a relay, keys without hardware, and patience that ends.

package dev.veilfold.android

import dev.veilfold.Client
import dev.veilfold.KeyStore
import dev.veilfold.Veilfold
import dev.veilfold.testing.Relay
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.robolectric.RuntimeEnvironment
import kotlin.time.Duration.Companion.seconds

internal fun story(work: suspend (Client) -> Unit) = runBlocking {
    withTimeout(50.seconds) {
        Relay.start().use { relay ->
            val app = RuntimeEnvironment.getApplication()
            Veilfold.open(app, "alice.db", relay.url, "Alice", keyStore = Keys()).use { work(it) }
        }
    }
}

/** The hardware of a device is not simulated. */
internal class Keys : KeyStore {
    private val roots = HashMap<String, ByteArray>()

    override fun loadRoot(id: String): ByteArray? = roots[id]

    override fun storeRoot(id: String, root: ByteArray) {
        roots[id] = root
    }

    override fun deleteRoot(id: String) {
        roots.remove(id)
    }
}
