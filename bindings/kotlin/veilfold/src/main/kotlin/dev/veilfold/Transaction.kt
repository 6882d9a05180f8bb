// A transaction being made by an app's function, and the loop that runs the function.

package dev.veilfold

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.serialization.KSerializer
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.serializer
import dev.veilfold.ffi.Space as NativeSpace
import dev.veilfold.ffi.TransactionBuilder as NativeTransaction

/**
 * A committed transaction.
 *
 * @property value What the function returned.
 * @property receipt Tells the fate; `null` when the function asked for nothing.
 */
public data class Transacted<out T>(val value: T, val receipt: Receipt?)

/**
 * What a function given to [Space.transact] works with.
 *
 * Reads see the actions so far. Every document that was read becomes a precondition: if somebody else
 * changes it before the order has this transaction, the transaction is rejected everywhere, and its
 * receipt says so. Its calls wait for a moment each and throw like those of a collection.
 */
public class Transaction internal constructor(
    private val native: NativeTransaction,
    private val space: NativeSpace,
    private val spaceId: String,
) {
    @Volatile
    private var over = false

    /** A collection of its space, for a [Mutator]; others have one at hand. */
    public inline fun <reified T : Any> collection(name: String): Collection<T> = collection(name, serializer<T>())

    /** The same with a serializer at hand. */
    public fun <T : Any> collection(name: String, serializer: KSerializer<T>): Collection<T> =
        Collection(space, spaceId, name, Typed(serializer))

    /** The same without declared types. */
    @JvmName("documents")
    public fun collection(name: String): Collection<Document> = Collection(space, spaceId, name, Untyped)

    /** A document, `null` when there is none of that id. */
    public fun <T : Any> get(collection: Collection<T>, id: String): T? =
        calling(collection) { native.get(collection.name, id)?.let { collection.mapping.document(id, parsed(it)) } }

    /**
     * All documents of a collection, by id. Which there are becomes a precondition too: a document that
     * somebody else adds, changes or deletes before the order has this is a conflict.
     */
    public fun <T : Any> all(collection: Collection<T>): List<T> =
        calling(collection) {
            val rows = ArrayList<T>()
            var after: String? = null
            do {
                val page = rowsOf(parsed(native.page(collection.name, after, PAGE)), collection.mapping)
                page.mapTo(rows) { it.second }
                after = page.lastOrNull()?.first
            } while (page.size.toUInt() == PAGE)
            rows
        }

    /** The elements of the list at a path; empty when there is no list. */
    public fun elements(collection: Collection<*>, id: String, path: CharSequence): List<ListElement> =
        calling(collection) { elementsOf(native.elements(collection.name, id, directBytesOf(pathElement(path)))) }

    /** Asks the collection's own [Resolver], which decides what becomes of the document. */
    public fun call(collection: Collection<*>, id: String, name: String, args: Any? = null): Unit =
        stage(collection, id) { call(name, args) }

    /** Makes a document under its own id; rejected when one of that id exists. */
    public fun <T : Any> create(collection: Collection<T>, document: T): Unit =
        create(collection, collection.idOf(document), document)

    /** Makes a document; rejected when one of that id exists. */
    public fun <T : Any> create(collection: Collection<T>, id: String, document: T): Unit =
        stage(collection, id) { create(collection.fieldsOf(id, document)) }

    /** Puts a whole document under its own id, replacing one of that id. */
    public fun <T : Any> put(collection: Collection<T>, document: T): Unit =
        put(collection, collection.idOf(document), document)

    /** Puts a whole document, replacing one of that id. */
    public fun <T : Any> put(collection: Collection<T>, id: String, document: T): Unit =
        stage(collection, id) { put(collection.fieldsOf(id, document)) }

    /** Puts a value at a path, making the document and objects on the way. */
    public fun set(collection: Collection<*>, id: String, path: CharSequence, value: Any?): Unit =
        stage(collection, id) { set(path, value) }

    /** Removes what is at a path; nothing there is no error. */
    public fun unset(collection: Collection<*>, id: String, path: CharSequence): Unit =
        stage(collection, id) { unset(path) }

    /** Puts fields into the document, or into the object at a path, leaving its others. */
    public fun merge(collection: Collection<*>, id: String, fields: Map<String, Any?>, path: CharSequence = ""): Unit =
        stage(collection, id) { merge(path, fields) }

    /** Adds to a whole number; a missing one counts as 0. */
    public fun increment(collection: Collection<*>, id: String, path: CharSequence, by: Long = 1): Unit =
        stage(collection, id) { increment(path, by) }

    /** Deletes a document; nothing happens when it is gone. */
    public fun delete(collection: Collection<*>, id: String): Unit = stage(collection, id) { delete() }

    /** Adds an element at the end of a list. */
    public fun listAppend(collection: Collection<*>, id: String, path: CharSequence, value: Any?): Unit =
        stage(collection, id) { listAppend(path, value) }

    /** Inserts an element beside others; at the start when none is named. */
    public fun listInsert(
        collection: Collection<*>,
        id: String,
        path: CharSequence,
        value: Any?,
        after: String? = null,
        before: String? = null,
    ): Unit = stage(collection, id) { listInsert(path, value, after, before) }

    /** Moves an element; nothing happens when it is gone. */
    public fun listMove(
        collection: Collection<*>,
        id: String,
        path: CharSequence,
        element: String,
        after: String? = null,
        before: String? = null,
    ): Unit = stage(collection, id) { listMove(path, element, after, before) }

    /** Removes an element; nothing happens when it is gone. */
    public fun listRemove(collection: Collection<*>, id: String, path: CharSequence, element: String): Unit =
        stage(collection, id) { listRemove(path, element) }

    /** Adds a Boolean, whole number or string to a set. */
    public fun setAdd(collection: Collection<*>, id: String, path: CharSequence, member: Any): Unit =
        stage(collection, id) { setAdd(path, member) }

    /** Removes from a set. */
    public fun setRemove(collection: Collection<*>, id: String, path: CharSequence, member: Any): Unit =
        stage(collection, id) { setRemove(path, member) }

    /** Puts a new collaborative text at a path. */
    public fun textCreate(collection: Collection<*>, id: String, path: CharSequence, text: String = ""): Unit =
        stage(collection, id) { textCreate(path, text) }

    /** Edits a collaborative text with splices, each on the text that the one before leaves. */
    public fun textEdit(collection: Collection<*>, id: String, path: CharSequence, splices: List<Splice>): Unit =
        stage(collection, id) { textEdit(path, splices) }

    /** Rejects the whole transaction, on every device, unless the condition holds in the order. */
    public fun expect(
        collection: Collection<*>,
        id: String,
        path: CharSequence = "",
        condition: Condition = Condition.Exists,
    ): Unit = stage(collection, id) { expect(path, condition) }

    internal fun end() {
        over = true
    }

    private fun stage(collection: Collection<*>, id: String, action: Actions.() -> JsonObject) =
        calling(collection) { native.stage(directBytesOf(JsonArray(listOf(Actions(collection.name, id).action())))) }

    private inline fun <R> calling(collection: Collection<*>, call: () -> R): R {
        if (over) throw invalid("transaction_over", "this transaction is over; start another")
        if (collection.spaceId != spaceId) throw invalid("other_space", "this collection is one of another space")
        return told(call)
    }
}

/** Runs the function off the caller's thread until what it read still holds when it is committed. */
internal suspend fun <T> transact(
    space: NativeSpace,
    id: String,
    begin: () -> NativeTransaction,
    function: Transaction.() -> T,
): Transacted<T> {
    while (true) {
        told(begin).use { native ->
            val transaction = Transaction(native, space, id)
            val value =
                try {
                    // It may wait for reads, and for whatever else the app does in it.
                    withContext(Dispatchers.IO) { transaction.function() }
                } catch (cancelled: CancellationException) {
                    throw cancelled
                } catch (error: Exception) {
                    // What it was made of may have changed under its hands; then it is run again.
                    if (answered { native.isCurrent().flag() }) throw error else return@use null
                } finally {
                    transaction.end()
                }
            answered { native.commit().outcomeOrNull() }?.let { Transacted(value, it.receipt?.let(::Receipt)) }
        }?.let { return it }
    }
}
