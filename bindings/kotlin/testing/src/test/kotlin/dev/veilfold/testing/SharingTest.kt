// Two clients and a relay: share a space, write offline, converge, be told.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.Condition
import dev.veilfold.Document
import dev.veilfold.Event
import dev.veilfold.Fate
import dev.veilfold.Role
import dev.veilfold.Space
import dev.veilfold.Splice
import dev.veilfold.SyncState
import dev.veilfold.Value
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.get
import dev.veilfold.integer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.seconds

@Serializable
data class Item(val id: String, val title: String, val qty: Int = 1)

class SharingTest {
    @TempDir
    lateinit var folder: File

    private class Two(val relay: Relay, val alice: Client, val bob: Client)

    private fun story(work: suspend CoroutineScope.(Two) -> Unit) = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                Veilfold.open(File(folder, "alice.db"), relay.url, "Alice").use { alice ->
                    Veilfold.open(File(folder, "bob.db"), relay.url, "Bob").use { bob -> work(Two(relay, alice, bob)) }
                }
            }
        }
    }

    private suspend fun Two.share(space: Space, role: Role = Role.WRITER): Space =
        bob.join(space.addMember(bob.contactCard(), role).text, "shared")

    @Test
    fun twoDevicesWriteOfflineAndConverge() = story { two ->
        val ours = two.alice.createSpace("Groceries")
        val items = ours.collection<Item>("items")
        items.put(Item("milk", "Milk"))
        val theirs = two.share(ours)
        val seen = ArrayList<List<Item>>()
        val watching = launch { theirs.collection<Item>("items").live().onEach(seen::add).first { it.singleOrNull()?.qty == 34 } }
        theirs.collection<Item>("items").live().first { it.isNotEmpty() }
        ours.synced()
        theirs.synced()

        two.alice.disconnect()
        two.bob.disconnect()
        val receipts =
            List(3) { items.increment("milk", "qty") } +
                List(3) { theirs.collection("items").increment("milk", "qty", 10) }
        val status = ours.currentStatus()
        assertEquals(SyncState.Offline to 3L, status.state to status.outboxCount)
        two.alice.connect()
        two.bob.connect()
        val last = receipts.maxOf { assertInstanceOf(Fate.Confirmed::class.java, it.settled()).position.seq }
        for (space in listOf(ours, theirs)) {
            space.reached(last)
            assertEquals(Item("milk", "Milk", 34), space.collection<Item>("items").get("milk"))
        }
        assertEquals(ours.stateRoot(), theirs.stateRoot())
        watching.join()
        assertEquals(34, seen.last().single().qty)
        val members = theirs.members().map { Triple(it.name, it.role, it.me) }
        assertEquals(listOf(Triple("Alice", Role.OWNER, false), Triple("Bob", Role.WRITER, true)), members)
        items.delete("milk")
        assertEquals(emptyList<Item>(), theirs.collection<Item>("items").live().first { it.isEmpty() })
    }

    @Test
    fun aDocumentIsCopiedIntoAnotherSpace() = story { two ->
        val drafts = two.alice.createSpace().collection("notes")
        drafts.put(Document("plan", "title" to "Plan", "rating" to 1.0))
        drafts.textCreate("plan", "body", "Hello")
        drafts.listAppend("plan", "steps", "one")
        drafts.setAdd("plan", "labels", "x")
        val ours = two.alice.createSpace()
        val theirs = two.share(ours)
        assertInstanceOf(Fate.Confirmed::class.java, drafts.copy("plan", to = ours)?.settled())
        theirs.reached(ours.synced().seq)
        val there = theirs.collection("notes")
        assertEquals(drafts.get("plan"), there.get("plan"))

        // It is text and a set there too, and its own.
        there.textEdit("plan", "body", listOf(Splice(5, 0, ", Bob")))
        there.setAdd("plan", "labels", "x")
        there.listMove("plan", "steps", there.elements("plan", "steps").single().id)
        val fields = arrayOf("title" to "Plan", "rating" to 1.0, "steps" to listOf("one"), "labels" to listOf("x"))
        val plan = Document("plan", "body" to "Hello, Bob", *fields)
        assertEquals(plan, there.get("plan"))
        ours.reached(theirs.synced().seq)
        assertEquals(plan, ours.collection("notes").get("plan"))
        assertEquals(ours.stateRoot(), theirs.stateRoot())
        assertEquals(Document("plan", "body" to "Hello", *fields), drafts.get("plan"))

        val again = runCatching { drafts.copy("plan", to = ours) }.exceptionOrNull()
        assertEquals("rejected", assertInstanceOf(VeilfoldException.Invalid::class.java, again).code)
        assertNotNull(drafts.copy("plan", to = ours.collection("old"), newId = "first"))
        assertEquals(Document("first", "body" to "Hello", *fields), ours.collection("old").get("first"))
        assertNull(drafts.copy("none", to = ours))
    }

    @Test
    fun syncingOnceGoesOfflineAgain() = story { two ->
        val ours = two.alice.createSpace()
        val theirs = two.share(ours)
        two.bob.disconnect()
        ours.collection("c").put(Document("a", "n" to 1))
        ours.synced()
        assertTrue(two.bob.syncOnce(30.seconds))
        assertEquals(Document("a", "n" to 1), theirs.collection("c").get("a"))
        assertEquals(SyncState.Offline, theirs.currentStatus().state)
        // Who was connected stays so; and what takes too long is no error.
        assertTrue(two.alice.syncOnce(30.seconds))
        assertEquals(SyncState.Live, ours.currentStatus().state)
        two.bob.setRelay("ws://127.0.0.1:1")
        two.bob.disconnect()
        assertFalse(two.bob.syncOnce(0.2.seconds))
    }

    @Test
    fun whatAnotherChangedIsRejectedByTheOrder() = story { two ->
        val ours = two.alice.createSpace()
        val c = ours.collection("c")
        c.put(Document("a", "n" to 1))
        val theirs = two.share(ours)
        theirs.reached(ours.synced().seq)
        two.bob.disconnect()
        val own = theirs.collection("c")
        val done = theirs.transact { set(own, "a", "n", (get(own, "a")?.get("n").integer ?: 0) + 1) }
        c.increment("a", "n", 5).settled()
        two.bob.connect()
        val fate = assertInstanceOf(Fate.Rejected::class.java, done.receipt?.settled())
        assertEquals(listOf("read_changed", "c", "a"), listOf(fate.reason, fate.collection, fate.document))
        assertEquals(Document("a", "n" to 6), own.get("a"))
    }

    @Test
    fun aConditionThatFailsInTheOrderIsTold() = story { two ->
        val ours = two.alice.createSpace()
        val c = ours.collection("c")
        c.put(Document("stock", "n" to 1))
        val theirs = two.share(ours)
        theirs.reached(ours.synced().seq)
        two.bob.disconnect()
        val own = theirs.collection("c")
        val take: suspend (Space, dev.veilfold.Collection<*>) -> dev.veilfold.Receipt? = { space, from ->
            space.transact {
                expect(from, "stock", "n", Condition.AtLeast(1))
                increment(from, "stock", "n", -1)
            }.receipt
        }
        val late = take(theirs, own)
        assertInstanceOf(Fate.Confirmed::class.java, take(ours, c)?.settled())
        two.bob.connect()
        assertInstanceOf(Fate.Rejected::class.java, late?.settled())
        assertEquals(Value.Integer(0), own.get("stock")?.get("n"))
    }

    @Test
    fun aRelayNamedLaterAndAFateAfterARestart() = runBlocking {
        withTimeout(50.seconds) {
            val file = File(folder, "later.db")
            val (id, txId) =
                Veilfold.open(file).use { alice ->
                    val space = alice.createSpace("s")
                    space.id to space.collection("c").put(Document("a")).txId
                }
            Relay.start().use { relay ->
                Veilfold.open(file).use { alice ->
                    assertNull(alice.relay())
                    alice.setRelay(relay.url)
                    assertNotNull(alice.relay())
                    val space = alice.spaces().single()
                    assertEquals(id to "s", space.id to space.name)
                    assertInstanceOf(Fate.Confirmed::class.java, space.receipt(txId).settled())
                    val states =
                        space.statuses().onEach { if (it.state == SyncState.Live) alice.setRelay(null) }
                            .takeWhile { it.state != SyncState.Offline || it.outboxCount > 0 }.toList()
                    assertEquals(SyncState.Live, states.last().state)
                }
            }
        }
    }

    @Test
    fun whoMayNotWriteIsTold() = story { two ->
        val admitted = async { two.bob.events().first { it is Event.Admitted } }
        val ours = two.alice.createSpace()
        val theirs = two.share(ours, Role.READER)
        assertEquals(Event.Admitted(ours.id), admitted.await())
        val error = runCatching { theirs.collection("c").put(Document("a")) }.exceptionOrNull()
        assertEquals("read_only", assertInstanceOf(VeilfoldException.NotAllowed::class.java, error).code)
        assertEquals(emptyList<Document>(), theirs.collection("c").all())
        assertInstanceOf(
            VeilfoldException.NotAllowed::class.java,
            runCatching { theirs.addMember(two.alice.contactCard()) }.exceptionOrNull(),
        )
    }

    @Test
    fun theStatusIsKeptUpToDate() = story { two ->
        val space = two.alice.createSpace()
        assertEquals(space, two.alice.space(space.id))
        space.status.first { it.state == SyncState.Live }
        two.alice.disconnect()
        space.collection("c").put(Document("a"))
        space.status.first { it.state == SyncState.Offline && it.outboxCount == 1L }
        two.alice.connect()
        space.status.first { it.state == SyncState.Live && it.outboxCount == 0L }
        assertTrue(space.status.value.seq > 0)
    }

    @Test
    fun losingTheRelayIsAnEvent() = story { two ->
        val space = two.alice.createSpace()
        space.status.first { it.state == SyncState.Live }
        val lost = async { two.alice.events().first { it is Event.Disconnected } }
        kotlinx.coroutines.yield()
        // The stream starts on another thread; a relay that stops is noticed again and again.
        two.relay.close()
        two.relay.close()
        assertInstanceOf(Event.Disconnected::class.java, lost.await())
    }

    @Test
    fun platformsAreNamedAsJnaNamesThem() {
        assertEquals("linux-x86-64", platformOf("Linux", "amd64"))
        assertEquals("linux-aarch64", platformOf("Linux", "aarch64"))
        assertEquals("darwin-aarch64", platformOf("Mac OS X", "aarch64"))
        assertEquals("win32-x86-64", platformOf("Windows 11", "amd64"))
    }

    @Test
    fun aProgramThatIsNoRelayIsAnError() {
        val process = ProcessBuilder(java(), "-cp", System.getProperty("java.class.path"), "dev.veilfold.testing.NoRelayKt")
        process.environment()["VEILFOLD_RELAY_BIN"] = "/bin/true"
        assertEquals(3, process.start().waitFor())
    }
}

internal fun java(): String = File(System.getProperty("java.home"), "bin/java").path
