// A relay that lies, as apps meet it in their tests, and how a client stands.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.ClientStatus
import dev.veilfold.Document
import dev.veilfold.Event
import dev.veilfold.Role
import dev.veilfold.Space
import dev.veilfold.SyncState
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.get
import dev.veilfold.integer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.io.File
import kotlin.time.Duration.Companion.seconds

class HostileTest {
    @TempDir
    lateinit var folder: File

    private class Couple(val relay: HostileRelay, val bob: Client, val ours: Space, val theirs: Space)

    /** Alice is at the honest door, Bob at the lying one, and both have the first value. */
    private fun story(work: suspend CoroutineScope.(Couple) -> Unit) = runBlocking {
        withTimeout(50.seconds) {
            HostileRelay.start().use { relay ->
                Veilfold.open(File(folder, "alice.db"), relay.url).use { alice ->
                    Veilfold.open(File(folder, "bob.db"), relay.lyingUrl).use { bob ->
                        val ours = alice.createSpace()
                        val theirs = bob.join(ours.addMember(bob.contactCard(), Role.WRITER).text)
                        write(ours, 1)
                        theirs.reached(ours.currentStatus().seq)
                        work(Couple(relay, bob, ours, theirs))
                    }
                }
            }
        }
    }

    /** Writes one value after the other; each is in the order before the next. */
    private suspend fun write(space: Space, vararg values: Long) {
        for (value in values) {
            space.collection("numbers").put(Document("n", "value" to value))
            space.synced()
        }
    }

    private suspend fun read(space: Space): Long? = space.collection("numbers").get("n")?.get("value").integer

    private suspend fun caught(space: Space): String =
        (space.status.first { it.state is SyncState.Forked }.state as SyncState.Forked).fault

    @ParameterizedTest
    @EnumSource(Lie::class, names = ["OMITS", "REORDERS", "REPEATS"])
    fun aLieIsNamedAndHarmsNothing(lie: Lie) = story { couple ->
        couple.bob.disconnect()
        write(couple.ours, 2, 3, 4)
        val blamed = async(start = CoroutineStart.UNDISPATCHED) { couple.bob.events().first { it is Event.RelayMisbehaved } }
        couple.relay.lie(lie)
        couple.bob.connect()
        assertTrue(caught(couple.theirs).isNotEmpty())
        assertThrows<VeilfoldException.RelayMisbehaved> { couple.theirs.synced() }
        blamed.await()
        assertEquals(SyncState.Live, couple.ours.synced().state)
        couple.relay.lie(null)
        if (lie != Lie.REPEATS) {
            couple.theirs.status.first { it.state == SyncState.Live }
            couple.theirs.synced()
            assertEquals(4, read(couple.theirs))
        }
    }

    @Test
    fun aForkComesToLightWithTheTruthAndADelayIsNone() = story { couple ->
        couple.relay.lie(Lie.DELAYS)
        write(couple.ours, 2)
        assertEquals(1, read(couple.theirs))
        couple.relay.lie(null)
        couple.theirs.reached(couple.ours.currentStatus().seq)
        assertEquals(2, read(couple.theirs))

        couple.relay.lie(Lie.FORKS)
        couple.theirs.status.first { it.state == SyncState.Live }
        write(couple.ours, 3)
        write(couple.theirs, 4)
        assertEquals(3L to 4L, read(couple.ours) to read(couple.theirs))
        couple.relay.lie(null)
        assertTrue(caught(couple.theirs).isNotEmpty())
    }

    @Test
    fun aClientSaysHowItStands() = runBlocking {
        Relay.start().use { relay ->
            Veilfold.open(File(folder, "carol.db")).use { carol ->
                assertEquals(ClientStatus(null, false, emptyMap()), carol.status())
                val space = carol.createSpace()
                carol.setRelay(relay.url)
                space.synced()
                val live = carol.status()
                assertEquals(carol.relay() to true, live.relay to live.wantsConnection)
                assertEquals(SyncState.Live, live.spaces.getValue(space.id).state)
                carol.disconnect()
                space.collection("c").put(Document("a"))
                val offline = carol.status()
                assertEquals(ClientStatus(carol.relay(), false, mapOf(space.id to space.currentStatus())), offline)
                assertEquals(1, offline.spaces.getValue(space.id).outboxCount)
            }
        }
    }
}
