// The error kinds are those of Rust, and what the generated layer throws becomes one of them.

package dev.veilfold

import dev.veilfold.ffi.Answer
import dev.veilfold.ffi.AsyncCall
import dev.veilfold.ffi.InternalException
import dev.veilfold.ffi.NoHandle
import dev.veilfold.ffi.panicAtOnce
import dev.veilfold.ffi.panicInATask
import kotlinx.coroutines.CancellationException
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import dev.veilfold.ffi.VeilfoldException as NativeException

class ErrorsTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun errorKindsAreThoseOfRust() {
        val source = File(System.getProperty("veilfold.checkout"), "core/src/error.rs").readText()
        val listed = Regex("""pub enum ErrorKind \{(.*?)\n\}""", RegexOption.DOT_MATCHES_ALL).find(source)?.groupValues?.get(1)
        val kinds = Regex("""^ {4}(\w+),$""", RegexOption.MULTILINE).findAll(listed.orEmpty()).map { it.groupValues[1] }.toList()
        assertEquals(7, kinds.size)
        val own = VeilfoldException::class.java.permittedOrNested()
        assertEquals((kinds + "Unknown").toSet(), own)
    }

    @Test
    fun everyKindIsTranslated() {
        val natives =
            listOf(
                NativeException.Offline("x", "y"),
                NativeException.NotAllowed("x", "y"),
                NativeException.Invalid("x", "y"),
                NativeException.RelayMisbehaved("x", "y"),
                NativeException.NewerVersion("x", "y"),
                NativeException.Corrupt("x", "y"),
                NativeException.Internal("x", "y"),
            )
        for (native in natives) {
            val error = translated(native)
            assertEquals(native.javaClass.simpleName, error.javaClass.simpleName)
            assertEquals(listOf("x", "y", "x: y"), listOf(error.code, error.detail, error.message))
        }
    }

    @Test
    fun aPanicInsideIsAnErrorOfTheCallAndNothingElse() = story {
        for (panic in listOf<suspend () -> Any?>({ told { panicAtOnce() } }, { answered { panicInATask().done() } })) {
            assertTrue(failure("internal", panic) is VeilfoldException.Internal)
        }
        Veilfold.open(store(folder)).use { it.createSpace() }
    }

    @Test
    fun anAnswerThatNoCallGivesIsInternal() = story {
        val broken = IllegalStateException("destroyed")
        val answers =
            listOf<suspend () -> Any?>(
                { AnsweredCall { Answer.Done }.number() },
                { AnsweredCall { Answer.Text(null) }.text() },
                { AnsweredCall { throw broken }.done() },
            )
        for (answer in answers) assertTrue(failure("internal") { answered(answer) } is VeilfoldException.Internal)
        assertSame(broken, failure("internal") { answered { AnsweredCall { throw broken }.done() } }.cause)
        failure("mine") { answered { AnsweredCall { throw NativeException.Invalid("mine", "") }.done() } }
        val cancelled = runCatching { AnsweredCall { throw CancellationException("mine") }.done() }.exceptionOrNull()
        assertTrue(cancelled is CancellationException)
    }

    @Test
    fun whatIsNotOursPassesAsItIs() {
        val (own, cancelled) = IllegalStateException() to CancellationException()
        assertSame(own, ofBorder(own))
        assertSame(cancelled, ofBorder(cancelled))
        assertTrue(ofBorder(InternalException("panic")) is VeilfoldException.Internal)
    }
}

/** A call that the native side knows nothing of. */
private class AnsweredCall(private val answer: () -> Answer) : AsyncCall(NoHandle) {
    override suspend fun answer(): Answer = answer.invoke()
}

private fun Class<*>.permittedOrNested(): Set<String> = declaredClasses.filter { this.isAssignableFrom(it) }.map { it.simpleName }.toSet()
