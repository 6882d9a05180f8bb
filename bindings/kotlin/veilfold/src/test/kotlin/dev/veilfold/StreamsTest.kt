// Streams: started late, given up, cancelled, closed, forgotten, read slowly.

package dev.veilfold

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.flow.produceIn
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.lang.management.ManagementFactory
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.Executors
import kotlin.time.Duration.Companion.milliseconds
import dev.veilfold.ffi.LiveQuery as NativeLive

class StreamsTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun changesSayWhatIsDifferent() = alone(folder) { space ->
        val items = space.collection<Item>("items")
        items.put(Item("b", "B"))
        val changes = items.changes().produceIn(this)
        assertEquals(Change(listOf(Item("b", "B")), listOf(Item("b", "B")), emptyList(), emptyList()), changes.receive())
        items.put(Item("a", "A"))
        var change = changes.receive()
        assertEquals(listOf("a", "b"), change.rows.map { it.id })
        assertEquals(listOf(Item("a", "A")), change.inserted)
        items.increment("b", "qty")
        change = changes.receive()
        assertEquals(listOf(Item("b", "B", 2)), change.updated)
        items.delete("a")
        change = changes.receive()
        assertEquals(listOf("a"), change.removed)
        assertEquals(listOf("b"), change.rows.map { it.id })
        changes.cancel()
    }

    @Test
    fun rowsAreInTheOrderOfTheirIds() = alone(folder) { space ->
        val c = space.collection("c")
        val ids = listOf("", "a", "aa", "b", "é", "\uE000", "\uFFFD", "😀", "😁").drop(1)
        space.transact { for (id in ids.shuffled()) put(c, Document(id)) }
        assertEquals(ids, c.live().first().map { it.id })
        assertEquals(ids, c.all().map { it.id })
    }

    @Test
    fun givingUpAWaitLosesNoState() = alone(folder) { space ->
        val c = Watched(space.collection("c"))
        for (n in 0 until 20) {
            c.documents.put(Document("%02d".format(n)))
            try {
                withTimeout(n.milliseconds) { c.live().take(2).toList() }
            } catch (_: TimeoutCancellationException) {
                // That is what it is about.
            }
        }
        assertEquals(20, c.live().first().size)
        c.assertEnded()
    }

    @Test
    fun oneDocumentIsWatchedThroughItsLife() = alone(folder) { space ->
        val c = space.collection("c")
        val states = c.liveDocument("a").produceIn(this)
        assertNull(states.receive())
        c.put(Document("b"))
        c.put(Document("a", "n" to 1))
        assertEquals(Document("a", "n" to 1), states.receive())
        c.increment("a", "n")
        assertEquals(Document("a", "n" to 2), states.receive())
        c.delete("a")
        assertNull(states.receive())
        states.cancel()
    }

    @Test
    fun closingEndsStreamsAndWaits() = story {
        val alice = Veilfold.open(store(folder))
        val space = alice.createSpace()
        val c = space.collection("c")
        val receipt = c.put(Document("a"))
        val ready = Channel<Unit>(Channel.UNLIMITED)
        val flows = listOf(c.changes(), c.live(), c.liveDocument("a"), space.statuses())
        val ends = flows.map { flow -> async { flow.onEach { ready.send(Unit) }.toList().size } }
        val events = async { alice.events().toList().size }
        val settled = async { runCatching { receipt.settled() }.exceptionOrNull() }
        repeat(flows.size) { ready.receive() }
        val last = space.status.first { it.outboxCount > 0 }
        alice.shutdown()
        alice.shutdown()
        assertEquals(listOf(1, 1, 1, 1, 0), (ends + events).map { it.await() })
        assertEquals("closed", (settled.await() as VeilfoldException.Invalid).code)
        val calls =
            listOf<suspend () -> Any?>(
                { c.get("a") },
                { c.put(Document("a")) },
                { alice.createSpace() },
                { c.live().first() },
                { space.transact { put(c, Document("a")) } },
            )
        for (call in calls) failure("closed", call)
        assertEquals(last.outboxCount, space.status.value.outboxCount)
        alice.close()
        Veilfold.open(store(folder)).use { assertEquals(1, it.spaces().size) }
    }

    @Test
    fun aSlowReaderGetsTheNewestState() = alone(folder) { space ->
        val c = space.collection("c")
        val go = CompletableDeferred<Unit>()
        val first = CompletableDeferred<Unit>()
        val states = ArrayList<Long?>()
        val reading =
            launch {
                c.live().first { rows ->
                    states.add(rows.singleOrNull()?.get("n").integer)
                    first.complete(Unit)
                    go.await()
                    states.last() == 500L
                }
            }
        first.await()
        repeat(500) { c.increment("a", "n") }
        go.complete(Unit)
        reading.join()
        assertEquals(500L, states.last())
        assertTrue(states.size < 10, "$states")
    }

    @Test
    fun manyDocumentsComeAsOneState() = alone(folder) { space ->
        val c = space.collection("c")
        for (start in 0 until 1200 step 200) {
            space.transact { for (n in start until start + 200) put(c, Document("%05d".format(n), "n" to n)) }
        }
        val change = c.changes().first()
        assertEquals(1200, change.rows.size)
        assertEquals(change.rows, change.inserted)
    }

    @Test
    fun aThousandSubscriptionsAreOpenedAndDropped() = alone(folder) { space ->
        val c = Watched(space.collection("c"))
        c.documents.put(Document("a"))
        repeat(500) { assertEquals(1, c.live().first().size) }
        c.assertEnded(500)
        val seen = Channel<Unit>(Channel.UNLIMITED)
        val open = List(500) { c.live().onEach { seen.send(Unit) }.launchIn(this) }
        repeat(500) { seen.receive() }
        open.forEach { it.cancelAndJoin() }
        c.assertEnded(1000)
        c.documents.put(Document("b"))
        assertEquals(2, c.live().first().size)
    }

    @Test
    fun anExceptionOfTheCollectorEndsTheQuery() = alone(folder) { space ->
        val c = Watched(space.collection("c"))
        c.documents.put(Document("a"))
        val error = runCatching { c.live().collect { throw NoSuchElementException("mine") } }.exceptionOrNull()
        assertEquals("mine", error?.message)
        c.assertEnded(1)
        assertEquals(1, c.live().first().size)
    }

    @Test
    fun aQueryThatIsOpenedForNobodyEnds() = alone(folder) { space ->
        val c = Watched(space.collection("c"))
        lateinit var collecting: Job
        c.whenOpened = { collecting.cancel() }
        collecting = launch(start = CoroutineStart.LAZY) { c.live().collect { } }
        collecting.join()
        assertTrue(collecting.isCancelled)
        c.assertEnded(1)
    }

    @Test
    fun rowsArePutTogetherWhereNobodyCollects() = alone(folder) { space ->
        val c = space.collection("c")
        val rows = 2000
        for (start in 0 until rows step 200) {
            space.transact { for (n in start until start + 200) put(c, Document("%05d".format(n), "n" to n)) }
        }
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        Executors.newSingleThreadExecutor().asCoroutineDispatcher().use { collectors ->
            withContext(collectors) {
                fun allocated() = threads.getThreadAllocatedBytes(Thread.currentThread().id)
                // The first time loads classes.
                assertEquals(rows, c.changes().first().rows.size)
                val before = allocated()
                c.changes().first()
                val bytes = allocated() - before
                assertTrue(bytes < 8 * rows, "$bytes bytes on the collector's thread")
            }
        }
    }

    @Test
    fun aFlowCanBeCollectedMoreThanOnceAndElsewhere() = alone(folder) { space ->
        val c = space.collection("c")
        val rows = c.live().flowOn(Dispatchers.Default)
        assertEquals(0, rows.first().size)
        c.put(Document("a"))
        assertEquals(1, rows.first().size)
    }

    @Test
    fun cancellingAWaitDoesNotWaitForIt() = alone(folder) { space ->
        val receipt = space.collection("c").put(Document("a"))
        val waits = List(100) { launch { receipt.settled() } }
        delay(20)
        waits.forEach { it.cancelAndJoin() }
        assertEquals(Fate.Pending, receipt.fate())
        failure("no_relay") { space.synced() }
    }
}

/** A collection whose live queries are looked at from below. */
private class Watched(val documents: Collection<Document>) {
    private val opened = ConcurrentLinkedQueue<NativeLive>()
    var whenOpened: () -> Unit = {}

    fun live() =
        changes(Untyped) {
            documents.native.live(documents.name, null).live().also {
                opened.add(it)
                whenOpened()
            }
        }.map { it.rows }

    fun assertEnded(count: Int = opened.size) {
        assertEquals(count, opened.size)
        assertEquals(0, opened.count { !it.uniffiIsDestroyed }, "open queries")
    }
}
