// Devices that came to different documents: noticed, and mended by the next version of the app.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.Document
import dev.veilfold.DocumentKey
import dev.veilfold.Event
import dev.veilfold.Resolver
import dev.veilfold.Veilfold
import dev.veilfold.integer
import dev.veilfold.resolver
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.seconds

/** A state root is attached after so many. */
private const val ENTRIES = 256

class RootsTest {
    @TempDir
    lateinit var folder: File

    private fun selling(tooMuch: Long): Resolver =
        resolver<Gig>("gigs") { gig, call -> Gig((gig ?: Gig()).left - (call.args.integer ?: 0) - tooMuch) }

    private suspend fun open(name: String, relay: Relay, resolver: Resolver, version: String): Client =
        Veilfold.open(File(folder, "$name.db"), relay.url, resolvers = listOf(resolver), appVersion = version)

    @Test
    fun aMistakenResolverIsNoticedNamedAndMended() = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                open("alice", relay, selling(0), "1").use { alice ->
                    val ours = alice.createSpace()
                    val notes = ours.collection("notes")
                    open("bob", relay, selling(1), "1").use { bob ->
                        val theirs = bob.join(ours.addMember(bob.contactCard()).text)
                        val noticed = async { alice.events().filterIsInstance<Event.Diverged>().first() }
                        val looked = async { bob.events().filterIsInstance<Event.Diverged>().first() }
                        ours.collection("gigs").call("tonight", "buy", 1)
                        repeat(ENTRIES) { notes.put(Document("note", "n" to it)).settled() }
                        theirs.reached(ours.synced().seq)
                        val gigs = theirs.collection<Gig>("gigs")
                        assertEquals(Gig(1), gigs.get("tonight"), "that is the mistake")
                        // Attaches no root of its own before it has folded the log again.
                        assertEquals(1L, looked.await().author)
                        theirs.collection("notes").put(Document("other")).settled()
                        val event = noticed.await()
                        assertEquals(Triple(ours.id, ENTRIES.toLong(), 2L), Triple(event.space, event.seq, event.author))
                        assertEquals(Gig(1), gigs.get("tonight"), "nothing is taken over")
                    }
                    open("bob", relay, selling(0), "2").use { bob ->
                        val healed = async { bob.events().filterIsInstance<Event.Healed>().first() }
                        val theirs = bob.space(ours.id)
                        notes.put(Document("note", "n" to ENTRIES))
                        theirs.reached(ours.synced().seq)
                        val event = healed.await()
                        assertEquals(listOf(DocumentKey("gigs", "tonight")) to 1L, event.documents to event.count)
                        assertEquals(Gig(2), theirs.collection<Gig>("gigs").get("tonight"))
                        assertEquals(ours.stateRoot(), theirs.stateRoot())
                    }
                }
            }
        }
    }
}
