// Resolvers of the app: pure functions that decide what a call makes of a document, on every device alike.

package dev.veilfold

import kotlinx.serialization.KSerializer
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.serializer
import dev.veilfold.ffi.ForeignResolver as NativeResolver
import dev.veilfold.ffi.ResolverException as NativeResolverException
import dev.veilfold.ffi.ResolverSet as NativeResolvers

/** Nesting beyond this is no document. */
private const val DEPTH_MAX = 32

/**
 * What somebody asks of a document, as its resolver sees it.
 *
 * @property document The document's id.
 * @property name What to do, in the app's words.
 * @property args With what; `call.args.decode<Buy>()` for a serializable class.
 * @property version The resolver version that its writer wrote it for; at most this resolver's own.
 * @property author The number of the member who wrote it.
 * @property position Its place in the order, `null` while it is only pending on this device.
 * @property timeMs The writer's clock in milliseconds since 1970, as claimed.
 */
public data class Call(
    val document: String,
    val name: String,
    val args: Value,
    val version: Long,
    val author: Long,
    val position: Position?,
    val timeMs: Long,
)

/**
 * A resolver's own no. It rejects the whole transaction.
 *
 * @property text For whoever made the call.
 */
public class Refusal(public val text: String) : Exception(text)

/**
 * One version of the function that governs a collection. Made by [resolver].
 *
 * @property collection The collection.
 * @property version The version, from 1.
 */
public class Resolver internal constructor(
    override val collection: String,
    override val version: Long,
    private val migrate: (Long, Value.Object) -> Value.Object,
    private val function: (Value.Object?, Call) -> Value.Object?,
) : AnyResolver {
    internal fun migrated(format: Long, state: Value.Object): Value.Object = plain(migrate(format, state))

    internal fun resolve(state: Value.Object?, format: Long, call: Call): Value.Object? {
        val before = if (state != null && format < version) migrated(format, state) else state
        return function(before, call)?.let(::plain)
    }

    override fun toString(): String = "Resolver($collection, version = $version)"
}

/**
 * Makes a function the resolver of a collection of serializable objects: from then on only its calls change
 * documents there.
 *
 * ```
 * @Serializable
 * data class Gig(val left: Long = 100)
 *
 * val gigs = resolver<Gig>("gigs") { gig, call ->
 *     val wanted = call.args.integer ?: throw Refusal("how many?")
 *     val now = gig ?: Gig()
 *     if (now.left < wanted) throw Refusal("sold out")
 *     now.copy(left = now.left - wanted)
 * }
 * val client = Veilfold.open("alice.db", resolvers = listOf(gigs))
 * val receipt = space.collection<Gig>("gigs").call("tonight", "buy", 2)
 * ```
 *
 * The function gets the document (`null` when there is none) and the call, and gives the document after it
 * (`null` deletes it). It is run by every device, so it must give equal output for equal input, on every
 * platform and for ever: it looks at nothing else, no clock, no random numbers, no network and no other
 * document, and it never calls the client. It runs on a thread of Veilfold's own, with five seconds for an
 * answer; after that the space holds, and it is asked again. Throwing a [Refusal] rejects the call with its
 * text, anything else as `resolver_failed`.
 *
 * A space accepts the versions that [Space.enableResolvers] raised it to. A newer version has to understand
 * calls of older ones, and old versions stay in the list given to [Veilfold.open].
 *
 * @param migrate Turns the fields of a document of an older version into those of this; version 0 is what the
 *   built-in operations wrote. Without it they stay as they are.
 */
public inline fun <reified T : Any> resolver(
    collection: String,
    version: Long = 1,
    noinline migrate: (Long, Value.Object) -> Value.Object = { _, state -> state },
    noinline function: (T?, Call) -> T?,
): Resolver = resolver(collection, serializer<T>(), version, migrate, function)

/** The same with a serializer at hand. */
public fun <T : Any> resolver(
    collection: String,
    serializer: KSerializer<T>,
    version: Long = 1,
    migrate: (Long, Value.Object) -> Value.Object = { _, state -> state },
    function: (T?, Call) -> T?,
): Resolver = resolver(collection, version, migrate, Typed(serializer), function)

/** The same without declared types. */
@JvmName("untypedResolver")
public fun resolver(
    collection: String,
    version: Long = 1,
    migrate: (Long, Value.Object) -> Value.Object = { _, state -> state },
    function: (Document?, Call) -> Document?,
): Resolver = resolver(collection, version, migrate, Untyped, function)

private fun <T : Any> resolver(
    collection: String,
    version: Long,
    migrate: (Long, Value.Object) -> Value.Object,
    mapping: Mapping<T>,
    function: (T?, Call) -> T?,
) = Resolver(collection, version, migrate) { state, call ->
    val before = state?.let { mapping.document(call.document, elementOf(it)) }
    function(before, call)?.let { after ->
        if ((mapping.id(after) ?: call.document) != call.document) throw invalid("other_id", "a document keeps its id")
        valueOf(mapping.fields(after)) as Value.Object
    }
}

/** What the native client takes. */
internal fun nativeResolvers(all: List<AnyResolver>): NativeResolvers? {
    if (all.distinctBy { it.collection to it.version }.size < all.size) {
        throw invalid("resolver_twice", "two resolvers have one collection and version")
    }
    if (all.isEmpty()) return null
    return told {
        val made = NativeResolvers.empty()
        all.forEach {
            when (it) {
                is Resolver -> made.add(it.collection, it.version, Crossing(it))
                is Module -> made.addModule(it.collection, it.version, it.direct())
            }
        }
        made
    }
}

/**
 * Many calls in one crossing. What an app's function does wrong is an answer; no answer is for what says
 * nothing about it, such as a lack of memory or stack, which other devices may not have.
 */
private class Crossing(private val resolver: Resolver) : NativeResolver {
    override fun run(version: Long, runs: ByteArray): ByteArray = answer(runs) { JsonArray(outcomes(it)) }

    override fun migrate(version: Long, states: ByteArray): ByteArray =
        answer(states) { each ->
            val fields = valueOf(each.getValue("state")) as Value.Object
            try {
                caught { elementOf(resolver.migrated(long(each, "format"), fields)) } ?: JsonNull
            } catch (_: Refusal) {
                JsonNull
            }
        }

    private fun outcomes(run: JsonObject): List<JsonObject> {
        var state = valueOf(run.getValue("state")) as? Value.Object
        var format = long(run, "format")
        return (run.getValue("calls") as JsonArray).map { call ->
            try {
                caught {
                    state = resolver.resolve(state, format, callOf(call as JsonObject))
                    format = resolver.version
                    outcome("state", state?.let(::elementOf) ?: JsonNull)
                } ?: outcome("failed", JsonPrimitive(true))
            } catch (refusal: Refusal) {
                outcome("refused", JsonPrimitive(refusal.text.map { if (it.isSurrogate()) '?' else it }.joinToString("")))
            }
        }
    }

    private fun answer(question: ByteArray, each: (JsonObject) -> JsonElement): ByteArray =
        try {
            bytesOf(JsonArray((parsed(question) as JsonArray).map { each(it as JsonObject) }))
        } catch (_: Throwable) {
            throw NativeResolverException.NoAnswer()
        }
}

/** `null` for what the app's code did wrong. */
private fun <T> caught(work: () -> T): T? =
    try {
        work()
    } catch (error: Throwable) {
        when (error) {
            is Refusal, is VirtualMachineError, is LinkageError, is InterruptedException -> throw error
            else -> null
        }
    }

private fun callOf(call: JsonObject): Call {
    val position = call["seq"].takeIf { it != JsonNull }?.let { Position(long(call, "seq"), long(call, "index")) }
    return Call(
        text(call, "document"),
        text(call, "name"),
        valueOf(call.getValue("args")),
        long(call, "version"),
        long(call, "author"),
        position,
        long(call, "time_ms"),
    )
}

private fun outcome(what: String, value: JsonElement) = JsonObject(mapOf(what to value))

private fun text(from: JsonObject, name: String): String = (from.getValue(name) as JsonPrimitive).content

private fun long(from: JsonObject, name: String): Long = text(from, name).toLong()

/**
 * A document as it would come back from the native side, so that a call sees the same whether it is asked
 * for alone or with others. Throws for what could not be stored.
 */
private fun plain(state: Value.Object): Value.Object = plain(state, DEPTH_MAX) as Value.Object

private fun plain(value: Value, depth: Int): Value {
    if (depth < 0) throw invalid("bad_json", "it is nested too deeply")
    return when (value) {
        is Value.Text -> value.also { bytesOf(JsonPrimitive(it.value)) }
        is Value.Array -> Value.Array(value.values.map { plain(it, depth - 1) })
        is Value.Object ->
            Value.Object(
                value.fields.toSortedMap(byCodePoints).entries.associate { (key, field) ->
                    bytesOf(JsonPrimitive(key))
                    key to plain(field, depth - 1)
                },
            )
        is Value.Decimal -> value.also { elementOf(it) }
        is Value.Bool, is Value.Integer, Value.Null -> value
    }
}
