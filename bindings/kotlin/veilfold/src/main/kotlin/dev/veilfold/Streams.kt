// Live queries, statuses and events as cold flows over native streams that are pulled: each
// collection opens its own, a slow collector gets the newest state and holds nobody up, and
// whatever ends the collection ends the native stream at once.

package dev.veilfold

import com.sun.jna.internal.Cleaner
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.lang.ref.WeakReference
import java.util.TreeMap
import dev.veilfold.ffi.EventStream as NativeEvents
import dev.veilfold.ffi.FateStream as NativeFates
import dev.veilfold.ffi.LiveQuery as NativeLive
import dev.veilfold.ffi.StatusStream as NativeStatuses

private const val BATCH = 500u
private const val EVENTS = 256u
private const val FATES = 100u

/**
 * One consistent state of a live query, and what is different from the one before.
 *
 * @property rows All documents, by id.
 * @property inserted Documents that are new.
 * @property updated Documents that were there and may have changed.
 * @property removed Ids of documents that are gone.
 */
public data class Change<T>(
    val rows: List<T>,
    val inserted: List<T>,
    val updated: List<T>,
    val removed: List<String>,
)

internal fun <T> changes(mapping: Mapping<T>, open: suspend () -> NativeLive): Flow<Change<T>> =
    pulled(open, NativeLive::cancel) { live ->
        val rows = TreeMap<String, T>(byCodePoints)
        while (true) emit(answered { nextStep(live, mapping)?.let { merged(rows, it) } } ?: break)
    }

internal fun <T : Any> states(mapping: Mapping<T>, id: String, open: suspend () -> NativeLive): Flow<T?> =
    pulled(open, NativeLive::cancel) { live ->
        while (true) {
            val step = answered { nextStep(live, mapping) } ?: break
            emit(step.inserted[id] ?: step.updated[id])
        }
    }

internal fun statuses(open: suspend () -> NativeStatuses): Flow<SyncStatus> =
    pulled(open, NativeStatuses::cancel) { stream ->
        while (true) emit(next(stream) ?: break)
    }

internal fun events(open: suspend () -> NativeEvents): Flow<Event> =
    pulled(open, NativeEvents::cancel) { stream ->
        while (true) {
            val batch = answered { stream.nextBatch(EVENTS).eventsOrNull() } ?: break
            if (batch.missed > 0) emit(Event.Missed(batch.missed))
            for (event in batch.events) emit(eventOf(event))
        }
    }

internal fun fates(open: suspend () -> NativeFates): Flow<SettledFate> =
    pulled(open, NativeFates::cancel) { stream ->
        while (true) {
            val batch = answered { stream.nextBatch(FATES).fatesOrNull() } ?: break
            batch.fates.forEachIndexed { index, settled ->
                emit(settledFateOf(settled, missed = if (index == 0) batch.missed else 0))
            }
        }
    }

/**
 * A space's status, followed from now on and not from the first look: that would see what was true when the
 * space was asked for.
 *
 * What follows it holds the client, and is itself held by nobody but who holds the flow, so that a client that
 * was dropped is closed.
 */
internal suspend fun followed(scope: CoroutineScope, open: suspend () -> NativeStatuses): StateFlow<SyncStatus> {
    val stream = opened(open)
    val newest =
        try {
            MutableStateFlow(next(stream) ?: throw invalid("closed", "the client was closed"))
        } catch (error: Throwable) {
            stream.close()
            throw error
        }
    val weak = WeakReference(newest)
    // Also when the scope has ended just now, for the stream's sake.
    val following = scope.launch(start = CoroutineStart.UNDISPATCHED) { follow(stream, weak) }
    Cleaner.getCleaner().register(newest) { following.cancel() }
    return newest.asStateFlow()
}

private suspend fun follow(stream: NativeStatuses, into: WeakReference<MutableStateFlow<SyncStatus>>) =
    ending(stream, NativeStatuses::cancel) {
        try {
            while (true) {
                val status = next(stream) ?: break
                into.get()?.value = status
            }
        } catch (_: VeilfoldException) {
            // What ends this stream is told to the calls that wait for something.
        }
    }

private suspend fun next(stream: NativeStatuses): SyncStatus? = answered { stream.next().statusOrNull()?.let(::statusOf) }

/** A flow that opens its stream when it is collected. */
private fun <S : AutoCloseable, T> pulled(
    open: suspend () -> S,
    cancel: S.() -> Unit,
    pull: suspend FlowCollector<T>.(S) -> Unit,
): Flow<T> = flow { opened(open).let { stream -> ending(stream, cancel) { pull(stream) } } }

/** Ends the stream with the work, also a call of it that still waits. */
private inline fun <S : AutoCloseable> ending(stream: S, cancel: S.() -> Unit, work: () -> Unit) =
    stream.use {
        try {
            work()
        } finally {
            stream.cancel()
        }
    }

private fun <T> merged(rows: TreeMap<String, T>, step: Step<T>): Change<T> {
    rows.putAll(step.inserted)
    rows.putAll(step.updated)
    rows.keys.removeAll(step.removed)
    val (inserted, updated) = step.inserted.values.toList() to step.updated.values.toList()
    return Change(rows.values.toList(), inserted, updated, step.removed.sortedWith(byCodePoints))
}

/** Batches of one state, put together. */
private class Step<T> {
    val inserted = LinkedHashMap<String, T>()
    val updated = LinkedHashMap<String, T>()
    val removed = LinkedHashSet<String>()
    var complete = false

    fun add(batch: JsonObject, mapping: Mapping<T>) {
        for ((id, document) in rowsOf(batch.getValue("inserted"), mapping)) {
            val into = if (removed.remove(id)) updated else inserted
            into[id] = document
        }
        for ((id, document) in rowsOf(batch.getValue("updated"), mapping)) {
            val into = if (id in inserted) inserted else updated
            into[id] = document
        }
        for (id in batch.getValue("removed") as JsonArray) {
            val gone = (id as JsonPrimitive).content
            updated.remove(gone)
            if (inserted.remove(gone) == null) removed.add(gone)
        }
        complete = (batch.getValue("complete") as JsonPrimitive).content == "true"
    }
}

private suspend fun <T> nextStep(live: NativeLive, mapping: Mapping<T>): Step<T>? {
    val step = Step<T>()
    while (!step.complete) {
        val batch = live.nextBatch(BATCH).jsonOrNull() ?: return null
        step.add(parsed(batch) as JsonObject, mapping)
    }
    return step
}

/** `[[id, document], …]`. */
internal fun <T> rowsOf(rows: JsonElement, mapping: Mapping<T>): List<Pair<String, T>> =
    (rows as JsonArray).map { row ->
        val (id, fields) = row as JsonArray
        val own = (id as JsonPrimitive).content
        own to mapping.document(own, fields)
    }

/** The order of ids everywhere: that of their UTF-8 bytes. */
internal val byCodePoints: Comparator<String> =
    Comparator { a, b ->
        var index = 0
        while (index < a.length && index < b.length && a[index] == b[index]) index += 1
        when {
            index == a.length || index == b.length -> a.length - b.length
            // Halves of a pair stand for what comes after all other characters.
            a[index].isSurrogate() != b[index].isSurrogate() -> if (a[index].isSurrogate()) 1 else -1
            else -> a[index].compareTo(b[index])
        }
    }
