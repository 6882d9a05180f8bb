// Opening, closing, key stores, threads, and the end of the process.

package dev.veilfold

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.io.File
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

class OpeningTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun aStoreIsOpenOnceInOneProcessAndInTwo() = story {
        Veilfold.open(store(folder)).use {
            failure("store_in_use") { Veilfold.open(store(folder)) }
            assertEquals("store_in_use", child("open"))
        }
        Veilfold.open(File(store(folder)), durability = Durability.POWER).use { }
        assertEquals("opened", child("open"))
    }

    @ParameterizedTest
    @ValueSource(strings = ["return", "exit", "halt"])
    fun aProcessEndsWhileSubscriptionsRun(ending: String) {
        assertEquals("running", child(ending))
    }

    @Test
    fun anAppBringsItsOwnKeyStore() = story {
        val keys = Keys()
        Veilfold.open(store(folder), keyStore = keys).use { it.createSpace() }
        assertEquals(listOf(32), keys.roots.values.map { it.size })
        assertFalse(Thread.currentThread() in keys.threads)
        assertEquals(emptyList<String>(), folder.list()?.filter { it.endsWith(".key") })
        Veilfold.open(store(folder), keyStore = keys).use { assertEquals(1, it.spaces().size) }
        failure("keys_lost") { Veilfold.open(store(folder), keyStore = Keys()) }
    }

    @Test
    fun aKeyStoreThatThrowsIsAnErrorOfOpening() = story {
        val keys = Keys()
        Veilfold.open(store(folder), keyStore = keys).use { it.createSpace() }
        val reasons =
            listOf(
                IllegalStateException("secret") to "Corrupt: vault_failed",
                NotImplementedError("secret") to "Corrupt: vault_failed",
                OutOfMemoryError("secret") to "Corrupt: vault_failed",
                KeyStoreException(KeyStoreException.Reason.DAMAGED) to "Corrupt: keys_lost",
                KeyStoreException(KeyStoreException.Reason.LOCKED) to "NotAllowed: vault_locked",
            )
        for ((reason, expected) in reasons) {
            keys.error = reason
            val error = runCatching { Veilfold.open(store(folder), keyStore = keys) }.exceptionOrNull()
            assertEquals(expected, "${error?.javaClass?.simpleName}: ${(error as? VeilfoldException)?.code}")
            assertFalse("secret" in error.toString())
        }
        keys.error = null
        Veilfold.open(store(folder), keyStore = keys).use { assertEquals(1, it.spaces().size) }
    }

    @Test
    fun aKeyStoreThatThrowsAnErrorWhileStoringKeepsNothing() = story {
        val keys = Keys().apply { storing = StackOverflowError() }
        assertEquals("vault_failed", failure("vault_failed") { Veilfold.open(store(folder), keyStore = keys) }.code)
        keys.storing = null
        Veilfold.open(store(folder), keyStore = keys).use { it.createSpace() }
    }

    @Test
    fun whoGivesUpOpeningCanOpenAtOnce() = story {
        val keys = Keys()
        lateinit var opening: Job
        keys.whenAsked = {
            opening.cancel()
            // It is still at it when the caller has given up.
            Thread.sleep(100)
        }
        repeat(3) {
            opening = launch(start = CoroutineStart.LAZY) { Veilfold.open(store(folder), keyStore = keys) }
            opening.join()
            assertTrue(opening.isCancelled)
        }
        keys.whenAsked = {}
        Veilfold.open(store(folder), keyStore = keys).use { it.createSpace() }
    }

    @Test
    fun aClientThatIsForgottenIsClosed() = story {
        forget()
        while (true) {
            System.gc()
            try {
                Veilfold.open(store(folder)).use { assertEquals(1, it.spaces().size) }
                break
            } catch (error: VeilfoldException.Invalid) {
                assertEquals("store_in_use", error.code)
                delay(10)
            }
        }
    }

    private suspend fun forget() {
        assertEquals(SyncState.Offline, Veilfold.open(store(folder)).createSpace().status.value.state)
    }

    @Test
    fun theFirstLookAtAStatusIsNotAnOldOne() = story {
        Veilfold.open(store(folder)).use { alice ->
            // What is new arrives on another thread, perhaps after one look; an old status stays old.
            do {
                val space = alice.createSpace()
                val before = space.currentStatus()
                space.collection("c").put(Document("a"))
                val after = space.statuses().first { it.outboxCount > before.outboxCount }
            } while (withoutThreads { space.status.value } != after)
        }
    }

    /** Looks while nothing that the look starts can run. */
    private suspend fun <T> withoutThreads(look: () -> T): T = coroutineScope {
        val threads = maxOf(2, Runtime.getRuntime().availableProcessors())
        val (busy, over) = CountDownLatch(threads) to CountDownLatch(1)
        repeat(threads) {
            launch(Dispatchers.Default) {
                busy.countDown()
                over.await()
            }
        }
        try {
            busy.await()
            look()
        } finally {
            over.countDown()
        }
    }

    @Test
    fun oneClientServesManyThreads() = alone(folder) { space ->
        val c = space.collection("c")
        withContext(Dispatchers.IO) {
            List(8) { thread -> async { repeat(20) { c.increment("n", "t$thread") } } }.awaitAll()
        }
        assertEquals(Document("n", *Array(8) { "t$it" to 20 }), c.get("n"))
    }

    @Test
    fun aClientIsClosedTwiceAndFromAnyThread() = story {
        val alice = Veilfold.open(store(folder))
        withContext(Dispatchers.IO) { List(4) { async { alice.close() } }.awaitAll() }
        failure("closed") { alice.spaces() }
    }

    @Test
    fun whatCannotBeOpenedSaysWhy() = story {
        File(store(folder)).writeText("this is not a database, and long enough to be looked at".repeat(100))
        assertTrue(runCatching { Veilfold.open(store(folder)) }.exceptionOrNull() is VeilfoldException.Corrupt)
    }

    private fun child(what: String): String {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val library = "-Djna.library.path=${System.getProperty("jna.library.path")}"
        val command = listOf(java, library, "-cp", System.getProperty("java.class.path"), "dev.veilfold.ChildKt")
        val errors = File(folder, "errors.txt")
        val process = ProcessBuilder(command + listOf(what, folder.path)).redirectError(errors).start()
        assertTrue(process.waitFor(40, TimeUnit.SECONDS), "the child does not end")
        assertEquals("", errors.readText())
        assertEquals(if (what == "exit" || what == "halt") 3 else 0, process.exitValue())
        return process.inputStream.bufferedReader().readText().trim()
    }
}

/** A key store in memory that can fail. */
private class Keys : KeyStore {
    val roots = HashMap<String, ByteArray>()
    val threads = HashSet<Thread>()

    @Volatile
    var error: Throwable? = null

    @Volatile
    var storing: Throwable? = null

    @Volatile
    var whenAsked: () -> Unit = {}

    override fun loadRoot(id: String): ByteArray? {
        whenAsked()
        threads.add(Thread.currentThread())
        error?.let { throw it }
        return roots[id]
    }

    override fun storeRoot(id: String, root: ByteArray) {
        storing?.let { throw it }
        roots[id] = root
    }

    override fun deleteRoot(id: String) {
        roots.remove(id)
    }
}
