// Resolvers of the app: what they refuse, versions side by side, and resolvers that misbehave.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.Document
import dev.veilfold.Event
import dev.veilfold.Fate
import dev.veilfold.Refusal
import dev.veilfold.Resolver
import dev.veilfold.Space
import dev.veilfold.SyncState
import dev.veilfold.Value
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.integer
import dev.veilfold.resolver
import dev.veilfold.text
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
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
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.seconds

@Serializable
data class Gig(val left: Long = 3)

@Serializable
data class NewGig(val free: Long = 3, val by: Long? = null)

class ResolversTest {
    @TempDir
    lateinit var folder: File

    /** Three tickets, sold once each. */
    private val gigs =
        resolver<Gig>("gigs") { gig, call ->
            val (left, wanted) = (gig ?: Gig()).left to (call.args.integer ?: 0)
            if (call.name != "buy" || left < wanted) throw Refusal("sold out")
            Gig(left - wanted)
        }

    /** The same with another name in the document; understands the calls of version 1. */
    private val newGigs =
        resolver<NewGig>("gigs", version = 2, migrate = { _, state -> Value.Object("free" to state.fields["left"]) }) { gig, call ->
            val (free, wanted) = (gig ?: NewGig()).free to (call.args.integer ?: 0)
            if (call.name != "buy" || free < wanted) throw Refusal("sold out")
            NewGig(free - wanted, call.author)
        }

    private suspend fun open(name: String, relay: Relay?, vararg resolvers: Resolver): Client =
        Veilfold.open(File(folder, "$name.db"), relay?.url, resolvers = resolvers.toList())

    private class Two(val relay: Relay, val alice: Client, val bob: Client, val ours: Space, val theirs: Space)

    private fun together(vararg resolvers: Resolver, work: suspend CoroutineScope.(Two) -> Unit) = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                open("alice", relay, *resolvers).use { alice ->
                    open("bob", relay, *resolvers).use { bob ->
                        val ours = alice.createSpace()
                        val theirs = bob.join(ours.addMember(bob.contactCard()).text)
                        theirs.reached(ours.synced().seq)
                        work(Two(relay, alice, bob, ours, theirs))
                    }
                }
            }
        }
    }

    private suspend fun failure(code: String, call: suspend () -> Any?): VeilfoldException =
        assertInstanceOf(VeilfoldException.Invalid::class.java, runCatching { call() }.exceptionOrNull())
            .also { assertEquals(code, it.code) }

    @Test
    fun ticketsAreSoldOnceWhoeverWasOffline() = together(gigs) { two ->
        val (own, others) = two.ours.collection<Gig>("gigs") to two.theirs.collection<Gig>("gigs")
        two.bob.disconnect()
        val late = others.call("tonight", "buy", 2)
        assertEquals(Gig(1), others.get("tonight"), "visible at once")
        assertInstanceOf(Fate.Confirmed::class.java, own.call("tonight", "buy", 2).settled())
        assertEquals("sold out", failure("rejected") { own.call("tonight", "buy", 2) }.detail)
        two.bob.connect()
        val fate = assertInstanceOf(Fate.Rejected::class.java, late.settled())
        val told = listOf(fate.reason, fate.detail, fate.collection, fate.document)
        assertEquals(listOf("refused_by_resolver", "sold out", "gigs", "tonight"), told)
        val stats = two.theirs.collection("stats")
        val done =
            two.theirs.transact {
                call(others, "tonight", "buy", 1)
                increment(stats, "all", "sold")
            }
        assertInstanceOf(Fate.Confirmed::class.java, done.receipt?.settled())
        failure("rejected") { others.set("tonight", "left", 9) }
        two.ours.reached(two.theirs.synced().seq)
        assertEquals(Gig(0), own.get("tonight"))
        assertEquals(two.ours.stateRoot(), two.theirs.stateRoot())
        assertNull(two.ours.enableResolvers())
    }

    @Test
    fun oneThatThrowsRejectsAndItsDeveloperHearsOfIt() {
        val breaks =
            resolver("c") { _, call ->
                if (call.name == "now" || call.position != null) throw NotImplementedError()
                Document(call.document, "n" to 1)
            }
        together(breaks) { two ->
            val heard = async { two.alice.events().filterIsInstance<Event.ResolverFailed>().first() }
            val c = two.ours.collection("c")
            failure("rejected") { c.call("a", "now") }
            val fate = assertInstanceOf(Fate.Rejected::class.java, c.call("a", "later").settled())
            assertEquals("resolver_failed", fate.reason)
            assertEquals(Event.ResolverFailed(two.ours.id, "c", fate.position.seq), heard.await())
            two.theirs.reached(fate.position.seq)
            assertEquals(emptyList<Document>(), two.theirs.collection("c").all())
        }
    }

    @Test
    fun callsThatAreAskedForTogetherComeOutAsAlone() {
        val odd =
            resolver("c") { state, call ->
                val fields = LinkedHashMap(state?.fields?.fields ?: mapOf("z" to Value.Integer(0), "seen" to Value.Array()))
                fields["seen"] = Value.Array((fields["seen"] as Value.Array).values + Value.Text(fields.keys.first()))
                fields["z"] = Value.Integer((fields["z"].integer ?: 0) + 1)
                if (call.position != null) {
                    when (call.args.text) {
                        "refuse" -> throw Refusal("\ud800 no")
                        "half" -> fields["a"] = Value.Text("\ud800")
                        "nan" -> fields["a"] = Value.Decimal(Double.NaN)
                        "deep" -> repeat(40) { fields["a"] = Value.Array(listOf(fields["a"] ?: Value.Null)) }
                        "other" -> return@resolver Document("b")
                        "a" -> fields["b"] = Value.Array(1, 1.0)
                    }
                }
                Document(call.document, Value.Object(fields))
            }
        together(odd) { two ->
            two.bob.disconnect()
            val wanted = listOf("", "refuse", "half", "nan", "deep", "other", "a", "")
            val receipts = wanted.map { two.theirs.collection("c").call("a", "do", it) }
            two.bob.connect()
            val fates = receipts.map { it.settled() }
            val reasons = fates.map { (it as? Fate.Rejected)?.reason }
            assertEquals(listOf(null, "refused_by_resolver") + List(4) { "resolver_failed" } + listOf(null, null), reasons)
            two.ours.reached(fates.filterIsInstance<Fate.Confirmed>().maxOf { it.position.seq })
            // Names come in one order, wherever the document comes from.
            val expected = Document("a", "b" to listOf(1, 1.0), "seen" to listOf("z", "seen", "b"), "z" to 3)
            assertEquals(expected, two.theirs.collection("c").get("a"))
            assertEquals(expected, two.ours.collection("c").get("a"))
            assertEquals(two.ours.stateRoot(), two.theirs.stateRoot())
        }
    }

    @Test
    fun twoVersionsOfTheAppSideBySide() = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                open("alice", relay, gigs, newGigs).use { alice ->
                    // Founded by an app of version 1.
                    val founder = open("founder", relay, gigs)
                    val founded = founder.createSpace()
                    val ours = alice.join(founded.addMember(alice.contactCard(), dev.veilfold.Role.ADMIN).text)
                    val bob = open("bob", relay, gigs)
                    val heard = async { bob.events().filterIsInstance<Event.Held>().first() }
                    val theirs = bob.join(founded.addMember(bob.contactCard()).text)
                    founded.collection<Gig>("gigs").call("tonight", "buy", 1)
                    ours.reached(founded.synced().seq)
                    theirs.reached(founded.synced().seq)
                    founder.shutdown()
                    bob.disconnect()
                    val waiting = theirs.collection<Gig>("gigs").call("tonight", "buy", 1)

                    assertInstanceOf(Fate.Confirmed::class.java, ours.enableResolvers()?.settled())
                    assertEquals(NewGig(2), ours.collection<NewGig>("gigs").get("tonight"), "a copy is migrated")
                    ours.collection<NewGig>("gigs").call("tonight", "buy", 1).settled()
                    bob.connect()
                    val status = theirs.statuses().first { it.held != null }
                    assertEquals(SyncState.Held to "update_required", status.state to status.held)
                    assertEquals(Event.Held(ours.id, "update_required", "gigs", 2), heard.await())
                    assertEquals(Gig(1), theirs.collection<Gig>("gigs").get("tonight"), "stays readable")
                    bob.shutdown()

                    open("bob", relay, gigs, newGigs).use { updated ->
                        val again = updated.space(ours.id)
                        ours.collection("notes").put(Document("a"))
                        assertInstanceOf(Fate.Confirmed::class.java, again.receipt(waiting.txId).settled())
                        assertNull(again.currentStatus().held)
                        assertEquals(0L, again.collection<NewGig>("gigs").get("tonight")?.free)
                        ours.reached(again.synced().seq)
                        assertEquals(ours.stateRoot(), again.stateRoot())
                    }
                }
            }
        }
    }

    @Test
    fun oneThatNeverAnswersHoldsItsSpaceAndNoOther() {
        val gate = CountDownLatch(1)
        val waits =
            resolver("c") { _, call ->
                if (call.position != null) gate.await(30, TimeUnit.SECONDS)
                Document(call.document, "n" to 1)
            }
        together(waits) { two ->
            val other = two.alice.createSpace()
            val receipt = two.ours.collection("c").call("a", "do")
            val status = two.ours.statuses().first { it.held != null }
            assertEquals("resolver_stuck", status.held)
            assertEquals(Document("a", "n" to 1), two.ours.collection("c").get("a"))
            assertInstanceOf(Fate.Confirmed::class.java, other.collection("d").put(Document("a")).settled())
            gate.countDown()
            assertInstanceOf(Fate.Confirmed::class.java, receipt.settled())
        }
    }

    @Test
    fun aProcessExitsWhileAResolverRuns() {
        val library = "-Djna.library.path=${System.getProperty("jna.library.path")}"
        val program = listOf("-cp", System.getProperty("java.class.path"), "dev.veilfold.testing.BusyResolverKt")
        val errors = File(folder, "errors.txt")
        val command = listOf(java(), library) + program + File(folder, "busy.db").path
        val process = ProcessBuilder(command).redirectError(errors).start()
        try {
            assertTrue(process.waitFor(40, TimeUnit.SECONDS), "the child does not end")
            assertEquals("" to 7, errors.readText() to process.exitValue())
        } finally {
            process.destroyForcibly()
        }
    }

    @Test
    fun whatIsWrongWithAResolverIsTold() = runBlocking {
        val another = resolver<Gig>("gigs") { gig, _ -> gig }
        failure("resolver_twice") { open("alice", null, gigs, another) }
        failure("bad_version") { open("alice", null, resolver<Gig>("gigs", version = 0) { gig, _ -> gig }) }
        open("alice", null, gigs).use { alice ->
            val space = alice.createSpace()
            // What is no Gig is no document of this resolver either.
            space.collection("gigs").call("a", "buy", 3)
            assertEquals(Gig(0), space.collection<Gig>("gigs").get("a"))
        }
    }
}
