// What a native call gives, awaited. Every call that takes time is started by one native function and answered
// by another, which is the same for all.

package dev.veilfold

import dev.veilfold.ffi.Added
import dev.veilfold.ffi.Answer
import dev.veilfold.ffi.AsyncCall
import dev.veilfold.ffi.ClientStatus
import dev.veilfold.ffi.EventBatch
import dev.veilfold.ffi.EventStream
import dev.veilfold.ffi.Fate
import dev.veilfold.ffi.FateBatch
import dev.veilfold.ffi.FateStream
import dev.veilfold.ffi.LiveQuery
import dev.veilfold.ffi.Member
import dev.veilfold.ffi.Outcome
import dev.veilfold.ffi.Receipt
import dev.veilfold.ffi.RetryRun
import dev.veilfold.ffi.RetryStream
import dev.veilfold.ffi.SpaceEntry
import dev.veilfold.ffi.SpaceStatus
import dev.veilfold.ffi.StatusStream
import kotlinx.coroutines.CancellationException
import dev.veilfold.ffi.Client as NativeClient
import dev.veilfold.ffi.Space as NativeSpace
import dev.veilfold.ffi.VeilfoldException as NativeException

/** Waits for the answer. Cancelled, a wait or a read ends at once, and what changes something goes on. */
internal suspend inline fun <reified A : Answer> AsyncCall.awaited(): A = answerOrError() as? A ?: throw unexpected(null)

/** What the generated layer throws besides its own errors is as broken an assumption as a panic. */
internal suspend fun AsyncCall.answerOrError(): Answer =
    try {
        use { it.answer() }
    } catch (error: Exception) {
        throw if (error is CancellationException || error is NativeException) error else unexpected(error)
    }

internal fun unexpected(cause: Exception?): VeilfoldException =
    VeilfoldException.Internal("internal", "an answer that no call gives", cause)

private fun <T : Any> given(answer: T?): T = answer ?: throw unexpected(null)

internal suspend fun AsyncCall.done() {
    awaited<Answer.Done>()
}

internal suspend fun AsyncCall.flag(): Boolean = awaited<Answer.Flag>().v1

internal suspend fun AsyncCall.number(): Long = awaited<Answer.Number>().v1

internal suspend fun AsyncCall.textOrNull(): String? = awaited<Answer.Text>().v1

internal suspend fun AsyncCall.text(): String = given(textOrNull())

internal suspend fun AsyncCall.jsonOrNull(): ByteArray? = awaited<Answer.Json>().v1

internal suspend fun AsyncCall.json(): ByteArray = given(jsonOrNull())

internal suspend fun AsyncCall.client(): NativeClient = awaited<Answer.Client>().v1

internal suspend fun AsyncCall.space(): NativeSpace = awaited<Answer.Space>().v1

internal suspend fun AsyncCall.spaces(): List<SpaceEntry> = awaited<Answer.Spaces>().v1

internal suspend fun AsyncCall.clientStatus(): ClientStatus = awaited<Answer.ClientStatus>().v1

internal suspend fun AsyncCall.statusOrNull(): SpaceStatus? = awaited<Answer.SpaceStatus>().v1

internal suspend fun AsyncCall.status(): SpaceStatus = given(statusOrNull())

internal suspend fun AsyncCall.members(): List<Member> = awaited<Answer.Members>().v1

internal suspend fun AsyncCall.added(): Added = awaited<Answer.Added>().v1

internal suspend fun AsyncCall.receiptOrNull(): Receipt? = awaited<Answer.Receipt>().v1

internal suspend fun AsyncCall.receipt(): Receipt = given(receiptOrNull())

internal suspend fun AsyncCall.outcomeOrNull(): Outcome? = awaited<Answer.Outcome>().v1

internal suspend fun AsyncCall.fate(): Fate = awaited<Answer.Fate>().v1

internal suspend fun AsyncCall.fatesOrNull(): FateBatch? = awaited<Answer.FateBatch>().v1

internal suspend fun AsyncCall.eventsOrNull(): EventBatch? = awaited<Answer.EventBatch>().v1

internal suspend fun AsyncCall.retryOrNull(): RetryRun? = awaited<Answer.Retry>().v1

internal suspend fun AsyncCall.live(): LiveQuery = awaited<Answer.Live>().v1

internal suspend fun AsyncCall.statuses(): StatusStream = awaited<Answer.StatusStream>().v1

internal suspend fun AsyncCall.events(): EventStream = awaited<Answer.EventStream>().v1

internal suspend fun AsyncCall.fates(): FateStream = awaited<Answer.FateStream>().v1

internal suspend fun AsyncCall.retries(): RetryStream = awaited<Answer.RetryStream>().v1
