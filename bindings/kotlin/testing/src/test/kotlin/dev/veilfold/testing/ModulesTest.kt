// Resolvers compiled to WebAssembly, by the pinned bytes that every language runs.

package dev.veilfold.testing

import dev.veilfold.Client
import dev.veilfold.Fate
import dev.veilfold.Module
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.get
import dev.veilfold.integer
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.time.Duration.Companion.seconds

class ModulesTest {
    @TempDir
    lateinit var folder: File

    /** Three tickets, at most two for each; the same rules in other bytes. */
    private fun tickets(language: String): Module =
        Module("tickets", File(checkout, "guests/pinned/tickets-$language.wasm").readBytes(), version = 2)

    private suspend fun open(name: String, relay: Relay?, vararg modules: Module): Client =
        Veilfold.open(File(folder, "$name.db"), relay?.url, resolvers = modules.toList())

    private suspend fun failure(call: suspend () -> Any?): List<String> =
        assertInstanceOf(VeilfoldException.Invalid::class.java, runCatching { call() }.exceptionOrNull())
            .let { listOf(it.code, it.detail) }

    @Test
    fun devicesWithTheSameBytesAgreeAndOneWithOthersWaits() = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                val alice = open("alice", relay, tickets("rust"))
                val bob = open("bob", relay, tickets("rust"))
                val carol = open("carol", relay, tickets("zig"))
                val ours = alice.createSpace()
                val theirs = bob.join(ours.addMember(bob.contactCard()).text)
                theirs.reached(ours.synced().seq)
                val (own, others) = ours.collection("tickets") to theirs.collection("tickets")
                others.call("gig", "buy")
                assertInstanceOf(Fate.Confirmed::class.java, others.call("gig", "buy").settled())
                assertEquals(listOf("rejected", "enough for one"), failure { others.call("gig", "buy") })
                assertEquals("rejected", failure { others.call("gig", "break") }.first())
                ours.reached(theirs.synced().seq)
                assertEquals(1L, own.get("gig")?.get("free").integer)
                assertEquals(own.get("gig"), others.get("gig"))
                assertEquals(ours.stateRoot(), theirs.stateRoot())

                val waiting = carol.join(ours.addMember(carol.contactCard()).text)
                assertEquals("update_required", waiting.statuses().first { it.held != null }.held)
                listOf(alice, bob, carol).forEach { it.shutdown() }
            }
        }
    }

    @Test
    fun whatIsNoResolverIsRefusedWhenItIsBrought() = runBlocking {
        for (wasm in listOf("", "no module", "\u0000asm\u0001\u0000\u0000\u0000")) {
            assertEquals("bad_module", failure { open("a", null, Module("c", wasm.toByteArray())) }.first())
        }
        assertEquals("resolver_twice", failure { open("a", null, tickets("rust"), tickets("zig")) }.first())
    }

    private companion object {
        val checkout: String = System.getProperty("veilfold.checkout")
    }
}
