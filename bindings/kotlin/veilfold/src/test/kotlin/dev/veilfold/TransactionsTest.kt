// Functions that run until what they read still holds.

package dev.veilfold

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.CountDownLatch

class TransactionsTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun itIsRunAgainUntilWhatItReadHolds() = alone(folder) { space ->
        val c = space.collection("c")
        c.put(Document("a", "n" to 1))
        var runs = 0
        val done =
            space.transact {
                runs += 1
                val found = get(c, "a")?.get("n").integer ?: 0
                if (runs < 3) runBlocking { c.increment("a", "n") }
                set(c, "a", "n", found + 10)
                get(c, "a")?.get("n").integer
            }
        assertEquals(3, runs)
        assertEquals(13L, done.value)
        assertEquals(Fate.Pending, done.receipt?.fate())
        assertEquals(Document("a", "n" to 13), c.get("a"))
    }

    @Test
    fun typedDocumentsAreReadAndPut() = alone(folder) { space ->
        val items = space.collection<Item>("items")
        items.put(Item("milk", "Milk"))
        space.transact {
            val milk = get(items, "milk") ?: return@transact
            if (!milk.done) put(items, milk.copy(done = true))
        }
        assertEquals(true, items.get("milk")?.done)
        val idle = space.transact { get(items, "none") ?: return@transact null }
        assertNull(idle.receipt)
    }

    @Test
    fun whatItThrowsComesOutAndNothingIsWritten() = alone(folder) { space ->
        val c = space.collection("c")
        var error: Exception? = null
        try {
            space.transact {
                put(c, Document("a"))
                throw NoSuchElementException("mine")
            }
        } catch (thrown: NoSuchElementException) {
            error = thrown
        }
        assertEquals("mine", error?.message)
        failure("rejected") {
            space.transact {
                expect(c, "a")
                put(c, Document("b"))
            }
        }
        var kept: Transaction? = null
        val done =
            space.transact {
                kept = this
                "idle"
            }
        assertEquals(Transacted("idle", null), done)
        failure("transaction_over") { kept?.put(c, Document("late")) }
        assertEquals(emptyList<Document>(), c.all())
    }

    @Test
    fun anErrorIsNotHidden() = alone(folder) { space ->
        val error = runCatching { space.transact { throw NotImplementedError("todo") } }.exceptionOrNull()
        assertTrue(error is NotImplementedError)
        space.collection("c").put(Document("a"))
    }

    @Test
    fun anExceptionOfAStaleRunIsNotItsLast() = alone(folder) { space ->
        val c = space.collection("c")
        c.put(Document("a", "n" to 1))
        var runs = 0
        space.transact {
            runs += 1
            val found = get(c, "a")?.get("n").integer
            if (runs == 1) {
                runBlocking { c.increment("a", "n") }
                check(found == 2L)
            }
            set(c, "a", "seen", found)
        }
        assertEquals(2, runs)
        assertEquals(Document("a", "n" to 2, "seen" to 2), c.get("a"))
    }

    @Test
    fun aWholeCollectionIsReadAndWhatIsAddedMeanwhileIsNoticed() = alone(folder) { space ->
        val bookings = space.collection("bookings")
        for (ids in (0..500).chunked(250)) {
            space.transact { for (n in ids) put(bookings, Document("%04d".format(n), "seats" to 1)) }
        }
        val seen = ArrayList<Long>()
        space.transact {
            seen.add(all(bookings).sumOf { it["seats"].integer ?: 0 })
            if (seen.size == 1) runBlocking { bookings.put(Document("late", "seats" to 2)) }
            put(bookings, Document("mine", "seats" to 3))
            delete(bookings, "0000")
            val ids = all(bookings).map { it.id }
            assertEquals("0001" to "mine", ids.first() to ids.last())
        }
        assertEquals(listOf(501L, 503L), seen)
    }

    @Test
    fun manyAtOnceLoseNoUpdate() = alone(folder) { space ->
        val c = space.collection("c")
        val jobs =
            List(6) {
                launch {
                    repeat(5) { space.transact { set(c, "n", "n", (get(c, "n")?.get("n").integer ?: 0) + 1) } }
                }
            }
        jobs.forEach { it.join() }
        assertEquals(Document("n", "n" to 30), c.get("n"))
    }

    @Test
    fun everyOperationWorksInside() = alone(folder) { space ->
        val c = space.collection("c")
        val done =
            space.transact {
                create(c, Document("a", "n" to 1))
                expect(c, "a", "n", Condition.AtLeast(1))
                expect(c, "a", "n", Condition.AtMost(1))
                expect(c, "a", "n", Condition.Equals(Value.Integer(1)))
                expect(c, "b", condition = Condition.Missing)
                expect(c, "a")
                increment(c, "a", "n")
                merge(c, "a", mapOf("x" to 1, "y" to 2))
                unset(c, "a", "x")
                setAdd(c, "a", "s", "m")
                setAdd(c, "a", "s", 7)
                setRemove(c, "a", "s", "m")
                textCreate(c, "a", "t", "hello")
                textEdit(c, "a", "t", listOf(Splice(5, 0, "!"), Splice(0, 1, "J")))
                listAppend(c, "a", "l", 1)
                listInsert(c, "a", "l", 0)
                put(c, Document("gone"))
                delete(c, "gone")
            }
        assertEquals(2, done.receipt?.elements?.size)
        space.transact {
            val (zero, one) = elements(c, "a", "l")
            assertEquals(listOf(Value.Integer(0), Value.Integer(1)), listOf(zero.value, one.value))
            listMove(c, "a", "l", zero.id, after = one.id)
            listRemove(c, "a", "l", one.id)
        }
        assertEquals(Document("a", "n" to 2, "y" to 2, "s" to listOf(7), "t" to "Jello!", "l" to listOf(0)), c.get("a"))
        assertNull(c.get("gone"))
    }

    @Test
    fun collectionsOfAnotherSpaceAreRefused() = story {
        Veilfold.open(store(folder)).use { alice ->
            val (ours, other) = alice.createSpace() to alice.createSpace()
            failure("other_space") { ours.transact { put(other.collection("c"), Document("a")) } }
        }
    }

    @Test
    fun cancellingDuringTheFunctionCommitsNothing() = alone(folder) { space ->
        val c = space.collection("c")
        val (inside, cancelled) = CountDownLatch(1) to CountDownLatch(1)
        val job =
            launch {
                space.transact {
                    put(c, Document("a"))
                    inside.countDown()
                    cancelled.await()
                }
            }
        while (inside.count > 0) kotlinx.coroutines.yield()
        job.cancel()
        cancelled.countDown()
        job.cancelAndJoin()
        assertNull(c.get("a"))
    }

    @Test
    fun itDoesNotRunOnTheCallersThread() = alone(folder) { space ->
        val caller = Thread.currentThread()
        assertNotEquals(caller, space.transact { Thread.currentThread() }.value)
        assertNotNull(assertThrows(CancellationException::class.java) { runBlocking { space.transact { throw CancellationException() } } })
    }
}
