// Named mutators, run again by themselves; and the fates that their writers are told.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.Condition
import dev.veilfold.Document
import dev.veilfold.Fate
import dev.veilfold.Mutator
import dev.veilfold.Receipt
import dev.veilfold.SettledFate
import dev.veilfold.Space
import dev.veilfold.Value
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.get
import dev.veilfold.integer
import dev.veilfold.mutator
import dev.veilfold.text
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.seconds

@Serializable
data class Lot(val id: String, val price: Long = 0)

@Serializable
data class Bid(val lot: String, val by: Long)

class MutatorsTest {
    @TempDir
    lateinit var folder: File

    /** Reads, so that another bid in between is a conflict. */
    private val bid =
        mutator<Bid>("bid") { args ->
            val lots = collection<Lot>("lots")
            val lot = get(lots, args.lot) ?: Lot(args.lot)
            put(lots, lot.copy(price = lot.price + args.by))
        }

    /** Bob's bid of 5, left behind by an earlier run of his process, while Alice bids 10. */
    private class Left(val url: String, val space: String, val txId: String)

    private fun story(work: suspend (Relay) -> Unit) = runBlocking {
        withTimeout(50.seconds) { Relay.start().use { work(it) } }
    }

    private suspend fun open(name: String, relay: Relay?, vararg mutators: Mutator<*>): Client =
        Veilfold.open(File(folder, "$name.db"), relay?.url, mutators = mutators.toList())

    private suspend fun share(space: Space, guest: Client): Space =
        guest.join(space.addMember(guest.contactCard()).text).also { it.reached(space.synced().seq) }

    private suspend fun leaveBehind(relay: Relay): Left =
        open("alice", relay, bid).use { alice ->
            val space = alice.createSpace()
            val txId =
                open("bob", relay, bid).use { bob ->
                    val theirs = share(space, bob)
                    bob.disconnect()
                    val receipt = theirs.mutate("bid", mapOf("lot" to "1", "by" to 5))
                    assertEquals(Fate.Pending, receipt?.fate())
                    receipt!!.txId
                }
            assertInstanceOf(Fate.Confirmed::class.java, space.mutate(bid, Bid("1", 10))?.settled())
            Left(relay.url, space.id, txId)
        }

    /** What becomes of Bob's bid in the next run of his process. */
    private suspend fun toldLater(left: Left, vararg mutators: Mutator<*>): Fate.Settled =
        open("bob", null, *mutators).use { bob ->
            val space = bob.space(left.space)
            val receipt = space.receipt(left.txId)
            bob.setRelay(left.url)
            val fate = receipt.settled()
            assertEquals(SettledFate(left.txId, fate, receipt.attempts(), "bid", 0), space.fates().first())
            val price = if (fate is Fate.Confirmed) 15L else 10L
            assertEquals(Lot("1", price), space.collection<Lot>("lots").get("1"))
            fate
        }

    @Test
    fun itRunsAgainAfterARestart() = story { relay ->
        assertInstanceOf(Fate.Confirmed::class.java, toldLater(leaveBehind(relay), bid))
    }

    @Test
    fun oneThatTheAppNoLongerHasIsTold() = story { relay ->
        assertEquals("mutator_missing", assertInstanceOf(Fate.Refused::class.java, toldLater(leaveBehind(relay))).reason)
    }

    @Test
    fun oneThatFailsIsToldAndHarmsNothingElse() {
        for (error in listOf(IllegalStateException(), NotImplementedError(), CancellationException())) {
            folder.listFiles()?.forEach { it.delete() }
            val broken =
                mutator<Bid>("bid") { args ->
                    set(collection("lots"), args.lot, "price", 99)
                    throw error
                }
            story { relay ->
                val fate = assertInstanceOf(Fate.Refused::class.java, toldLater(leaveBehind(relay), broken))
                assertEquals("mutator_failed", fate.reason)
            }
        }
        folder.listFiles()?.forEach { it.delete() }
        // Arguments of another version, which this one does not understand.
        val other = mutator<List<Int>>("bid") { }
        story { relay ->
            val fate = assertInstanceOf(Fate.Refused::class.java, toldLater(leaveBehind(relay), other))
            assertEquals("mutator_failed", fate.reason)
        }
    }

    @Test
    fun oneThatFindsNothingToDoStaysRejected() {
        val demanding =
            mutator<Bid>("bid") { args ->
                val lots = collection("lots")
                expect(lots, args.lot, "price", Condition.Missing)
                set(lots, args.lot, "price", args.by)
            }
        val polite =
            mutator("bid") { args ->
                val lots = collection("lots")
                val lot = args["lot"].text ?: error("no lot")
                if (get(lots, lot) == null) set(lots, lot, "price", args["by"])
            }
        for (one in listOf(demanding, polite)) {
            folder.listFiles()?.forEach { it.delete() }
            story { relay -> assertInstanceOf(Fate.Rejected::class.java, toldLater(leaveBehind(relay), one)) }
        }
    }

    @Test
    fun bidsAtTheSameTimeAllCountOrAreTold() = story { relay ->
        open("alice", relay, bid).use { alice ->
            open("bob", relay, bid).use { bob ->
                val ours = alice.createSpace()
                val spaces = listOf(ours, share(ours, bob))
                val fates =
                    coroutineScope {
                        spaces.map { async { List(10) { _ -> it.mutate(bid, Bid("1", 1)) } } }.awaitAll().flatten()
                    }.filterNotNull().map { it.settled() }
                assertEquals(20, fates.count { it is Fate.Confirmed || it is Fate.Rejected })
                val held = fates.filterIsInstance<Fate.Confirmed>()
                for (space in spaces) {
                    space.reached(held.maxOf { it.position.seq })
                    assertEquals(Lot("1", held.size.toLong()), space.collection<Lot>("lots").get("1"))
                }
            }
        }
    }

    @Test
    fun whatIsWrongWithACallIsTold() = story {
        val another = mutator<Bid>("bid") { }
        suspend fun failure(code: String, call: suspend () -> Any?) {
            val error = runCatching { call() }.exceptionOrNull()
            assertEquals(code, assertInstanceOf(VeilfoldException.Invalid::class.java, error).code)
        }
        failure("mutator_twice") { open("alice", null, bid, another) }
        val raising = mutator<Unit>("raise") { error("mine") }
        val echo = mutator<Value>("echo") { set(collection("c"), "a", "args", it) }
        val idle = mutator<Unit>("idle") { get(collection("c"), "none") }
        open("alice", null, bid, raising, echo, idle).use { alice ->
            val space = alice.createSpace()
            failure("mutator_missing") { space.mutate(another, Bid("1", 1)) }
            failure("mutator_missing") { space.mutate("nobody", null) }
            failure("bad_json") { space.mutate("bid", Double.NaN) }
            failure("wrong_type") { space.mutate("bid", "text") }
            assertEquals("mine", runCatching { space.mutate(raising, Unit) }.exceptionOrNull()?.message)
            val args = Value.of(listOf(1, 1.0))
            space.mutate(echo, args)
            assertEquals(args, space.collection("c").get("a")?.get("args"))
            assertNull(space.mutate(idle, Unit))
        }
    }

    @Test
    fun fatesComeUntilTheyAreTaken() = story { relay ->
        lateinit var receipts: List<Receipt>
        val id =
            open("alice", relay).use { alice ->
                val space = alice.createSpace()
                receipts = List(103) { space.collection("c").increment("a", "n") }
                space.synced()
                // The first batch is taken when the second is asked for, which is not taken.
                val got = space.fates().take(101).toList()
                assertEquals(receipts.take(101).map { it.txId }, got.map { it.txId })
                assertTrue(got.all { it.attempts == 1L && it.mutator == null && it.missed == 0L })
                assertEquals(Document("a", "n" to 103), space.collection("c").get("a"))
                space.id
            }
        open("alice", null).use { alice ->
            val begun = CompletableDeferred<Unit>()
            val space = alice.space(id)
            coroutineScope {
                val rest =
                    async {
                        val got = ArrayList<String>()
                        space.fates().collect {
                            got.add(it.txId)
                            begun.complete(Unit)
                        }
                        got
                    }
                begun.await()
                alice.shutdown()
                assertEquals(receipts.drop(100).map { it.txId }, rest.await())
            }
        }
        assertEquals(103L, open("alice", null).use { it.space(id).collection("c").get("a")?.get("n").integer })
    }
}
