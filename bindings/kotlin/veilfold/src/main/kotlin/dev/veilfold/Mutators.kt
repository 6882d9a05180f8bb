// Named mutators: functions that are run again by themselves when the order rejected what they did.

package dev.veilfold

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.serialization.KSerializer
import kotlinx.serialization.serializer
import kotlin.time.Duration.Companion.seconds
import dev.veilfold.ffi.RetryEnd as NativeEnd
import dev.veilfold.ffi.RetryRun as NativeRun
import dev.veilfold.ffi.RetryStream as NativeRetries

/** After a fault that is not the mutator's, for instance a full disk. */
private val PAUSE = 5.seconds

/**
 * A function with a name, under which the device finds it again. Made by [mutator].
 *
 * @property name The name that is kept with each write.
 */
public class Mutator<A> internal constructor(
    public val name: String,
    private val serializer: KSerializer<A>,
    private val function: Transaction.(A) -> Unit,
) {
    internal fun json(args: A): ByteArray = bytesOf(elementOf(args, serializer))

    /** One run, the same whether it is the first or comes after a restart. */
    internal fun run(transaction: Transaction, args: ByteArray): Unit =
        transaction.function(decoded(parsed(args), serializer))

    override fun toString(): String = "Mutator($name)"
}

/**
 * Makes a mutator of a function with serializable arguments.
 *
 * ```
 * @Serializable
 * data class Buy(val id: String)
 *
 * val buy = mutator<Buy>("buy") { args ->
 *     val items = collection<Item>("items")
 *     val item = get(items, args.id) ?: return@mutator
 *     if (!item.done) put(items, item.copy(done = true))
 * }
 * val client = Veilfold.open("alice.db", mutators = listOf(buy))
 * val receipt = client.space(id).mutate(buy, Buy("milk"))
 * ```
 *
 * The device keeps name and arguments with the write, so a later version of the app can run it too: keep
 * the name, and understand the arguments of older versions. The function may run many times, in a thread
 * for blocking work, and long after the call that wanted it, so it decides by what it reads and has no
 * side effects. When it throws while it is run again, the fate says `mutator_failed` and no more.
 */
public inline fun <reified A> mutator(name: String, noinline function: Transaction.(A) -> Unit): Mutator<A> =
    mutator(name, serializer<A>(), function)

/** The same with a serializer at hand. */
public fun <A> mutator(name: String, serializer: KSerializer<A>, function: Transaction.(A) -> Unit): Mutator<A> =
    Mutator(name, serializer, function)

/** The same without declared types. */
@JvmName("untypedMutator")
public fun mutator(name: String, function: Transaction.(Value) -> Unit): Mutator<Value> =
    Mutator(name, Value.serializer(), function)

/** The mutators of a client, by name. */
internal class Mutators(all: List<Mutator<*>>) {
    private val byName = all.associateBy { it.name }

    init {
        if (byName.size < all.size) throw invalid("mutator_twice", "two mutators have one name")
    }

    fun find(name: String): Mutator<*>? = byName[name]

    fun known(name: String): Mutator<*> =
        find(name) ?: throw invalid("mutator_missing", "open the client with this mutator")

    /** Another one of its name is not meant. */
    fun <A> known(mutator: Mutator<A>): Mutator<A> =
        if (known(mutator.name) === mutator) mutator else throw invalid("mutator_missing", "open the client with this mutator")
}

/**
 * Runs what has to be run again, one after the other, until the client closes. Holds no client, so that one can
 * be dropped.
 */
internal fun CoroutineScope.runAgain(retries: NativeRetries, mutators: Mutators): Job = launch { running(retries, mutators) }

private suspend fun running(retries: NativeRetries, mutators: Mutators): Unit =
    retries.use {
        while (true) {
            try {
                (opened { retries.next().retryOrNull() } ?: return).use { run -> runOne(run, mutators) }
            } catch (error: VeilfoldException) {
                if (error.isEnd()) return
                delay(PAUSE)
            } catch (_: OutOfMemoryError) {
                delay(PAUSE)
            }
        }
    }

/** Runs one. What ends without an end of its own is handed out again. */
private suspend fun runOne(run: NativeRun, mutators: Mutators) {
    val mutator = mutators.find(told { run.name() })
    if (mutator == null) {
        answered { run.giveUp(NativeEnd.MISSING).done() }
        return
    }
    val args = told { run.args() }
    val end =
        try {
            told { run.space() }.use { space ->
                transact(space, told { space.id() }, { run.begin() }) { mutator.run(this, args) }
            }
            null
        } catch (error: VeilfoldException) {
            endFor(error) ?: throw error
        } catch (error: OutOfMemoryError) {
            throw error
        } catch (error: CancellationException) {
            currentCoroutineContext().ensureActive()
            NativeEnd.FAILED
        } catch (_: Throwable) {
            NativeEnd.FAILED
        }
    if (end == null) told { run.committed() } else answered { run.giveUp(end).done() }
}

/** What an error of a mutator or of its commit means for it; `null` when it is not about the mutator. */
private fun endFor(error: VeilfoldException): NativeEnd? =
    when {
        error.isEnd() -> null
        error is VeilfoldException.Invalid && error.code == "rejected" -> NativeEnd.NOTHING_TO_DO
        error is VeilfoldException.Invalid || error is VeilfoldException.NotAllowed -> NativeEnd.FAILED
        else -> null
    }

private fun VeilfoldException.isEnd(): Boolean = code == "closed" || code == "process_ending"
