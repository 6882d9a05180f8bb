// A collection of one space: reads of what is visible, and writes that are one intent each.

package dev.veilfold

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import dev.veilfold.ffi.Space as NativeSpace

/** Documents of one call. */
internal const val PAGE: UInt = 500u

/**
 * An element of a list.
 *
 * @property id Under this it is moved and removed.
 */
public data class ListElement(val id: String, val value: Value)

/**
 * A collection of one space. Cheap to make; it exists as soon as a document is in it.
 *
 * If [T] has a property `id`, that is the document's id and no field of it. Fields that [T] does not
 * declare are passed over when a document is read, and lost when it is [put] back; [set], [merge] and
 * the other small writes leave them alone. A property that is `null` is an absent field.
 *
 * Writes return when a killed process cannot lose them, and reads see them at once, also offline.
 * Other devices see them after the relay has ordered them; the receipt tells what became of them.
 * Cancelling the call of a write leaves it whole or undone. Calls may come from any thread and block none.
 *
 * Writes throw [VeilfoldException.NotAllowed] before this device was added as a writer,
 * [VeilfoldException.Invalid] for what is malformed, too large, or rejected by the state as it is visible
 * here (code `rejected`), for a full outbox and for a closed client, [VeilfoldException.Corrupt] when the
 * disk fails. Reads throw `Invalid` with `wrong_type` for a document that is not a [T].
 *
 * @property name Its name.
 */
public class Collection<T : Any> internal constructor(
    internal val native: NativeSpace,
    internal val spaceId: String,
    public val name: String,
    internal val mapping: Mapping<T>,
) {
    /** A document as it is visible, `null` when there is none of that id. */
    public suspend fun get(id: String): T? =
        answered { native.get(name, id).jsonOrNull()?.let { mapping.document(id, parsed(it)) } }

    /** All documents, by id. Read page by page; a live query is consistent. */
    public suspend fun all(): List<T> =
        answered {
            val rows = ArrayList<T>()
            var after: String? = null
            do {
                val page = rowsOf(parsed(native.page(name, after, PAGE).json()), mapping)
                page.mapTo(rows) { it.second }
                after = page.lastOrNull()?.first
            } while (page.size.toUInt() == PAGE)
            rows
        }

    /**
     * Watches all documents. The first list holds what is there, at once, also offline; after that, a
     * slow collector gets the newest state. Each collection is a query of its own, ended by the end of
     * the collection; it completes when the client closes.
     */
    public fun live(): Flow<List<T>> = changes().map { it.rows }

    /** As [live], with what is different from the state before. */
    public fun changes(): Flow<Change<T>> = changes(mapping) { native.live(name, null).live() }

    /** Watches one document: gives it, or `null` while there is none, as it changes. */
    public fun liveDocument(id: String): Flow<T?> = states(mapping, id) { native.live(name, id).live() }

    /**
     * Asks the collection's own [Resolver], which decides what becomes of the document. What it refuses as the
     * document is visible here throws `Invalid` with `rejected` and the resolver's words; what it refuses in
     * the order is [Fate.Rejected] with `refused_by_resolver`. For serializable arguments give
     * `Value.encode(it)`.
     */
    public suspend fun call(id: String, name: String, args: Any? = null): Receipt =
        commit { Actions(this.name, id).call(name, args) }

    /** Makes a document under its own id; rejected when one of that id exists. */
    public suspend fun create(document: T): Receipt = create(idOf(document), document)

    /** Makes a document; rejected when one of that id exists. */
    public suspend fun create(id: String, document: T): Receipt = commit { Actions(name, id).create(fieldsOf(id, document)) }

    /** Puts a whole document under its own id, replacing one of that id. */
    public suspend fun put(document: T): Receipt = put(idOf(document), document)

    /** Puts a whole document, replacing one of that id. */
    public suspend fun put(id: String, document: T): Receipt = commit { Actions(name, id).put(fieldsOf(id, document)) }

    /**
     * Puts a value at a path, making the document and objects on the way. For serializable objects
     * give `Value.encode(it)`.
     */
    public suspend fun set(id: String, path: CharSequence, value: Any?): Receipt = commit { Actions(name, id).set(path, value) }

    /** Removes what is at a path; nothing there is no error. */
    public suspend fun unset(id: String, path: CharSequence): Receipt = commit { Actions(name, id).unset(path) }

    /** Puts fields into the document, or into the object at a path, leaving its others. */
    public suspend fun merge(id: String, fields: Map<String, Any?>, path: CharSequence = ""): Receipt =
        commit { Actions(name, id).merge(path, fields) }

    /** Adds to a whole number; a missing one counts as 0. An intent: never a lost update. */
    public suspend fun increment(id: String, path: CharSequence, by: Long = 1): Receipt =
        commit { Actions(name, id).increment(path, by) }

    /** Deletes a document; nothing happens when it is gone. */
    public suspend fun delete(id: String): Receipt = commit { Actions(name, id).delete() }

    /**
     * Copies a document as it is visible now into another space, into the collection of the same name. Lists,
     * sets and collaborative texts stay what they are, without their history; later changes to either are not
     * seen by the other. Works offline. `null` when there is no such document.
     *
     * The receipt is one of the target's space, and so are the errors: `Invalid` with `rejected` when it has a
     * document of that id.
     */
    public suspend fun copy(id: String, to: Space, newId: String = id): Receipt? = copied(id, to.native, name, newId)

    /** The same into another collection, of this space or another. */
    public suspend fun copy(id: String, to: Collection<T>, newId: String = id): Receipt? =
        copied(id, to.native, to.name, newId)

    private suspend fun copied(id: String, space: NativeSpace, collection: String, newId: String): Receipt? =
        answered { native.copyDocument(name, id, space, collection, newId).receiptOrNull() }?.let(::Receipt)

    /** The elements of the list at a path; empty when there is no list. */
    public suspend fun elements(id: String, path: CharSequence): List<ListElement> =
        answered { elementsOf(native.elements(name, id, bytesOf(pathElement(path))).json()) }

    /**
     * Adds an element at the end of a list, making the list when there is none. Its id is the first of
     * the receipt's [Receipt.elements].
     */
    public suspend fun listAppend(id: String, path: CharSequence, value: Any?): Receipt =
        commit { Actions(name, id).listAppend(path, value) }

    /**
     * Inserts an element after another if it is still there, else before the other, else at the end; at
     * the start when neither is named.
     */
    public suspend fun listInsert(
        id: String,
        path: CharSequence,
        value: Any?,
        after: String? = null,
        before: String? = null,
    ): Receipt = commit { Actions(name, id).listInsert(path, value, after, before) }

    /** Moves an element; nothing happens when it is gone. */
    public suspend fun listMove(
        id: String,
        path: CharSequence,
        element: String,
        after: String? = null,
        before: String? = null,
    ): Receipt = commit { Actions(name, id).listMove(path, element, after, before) }

    /** Removes an element; nothing happens when it is gone. */
    public suspend fun listRemove(id: String, path: CharSequence, element: String): Receipt =
        commit { Actions(name, id).listRemove(path, element) }

    /** Adds a Boolean, whole number or string to a set, making it when there is none. */
    public suspend fun setAdd(id: String, path: CharSequence, member: Any): Receipt =
        commit { Actions(name, id).setAdd(path, member) }

    /** Removes from a set. */
    public suspend fun setRemove(id: String, path: CharSequence, member: Any): Receipt =
        commit { Actions(name, id).setRemove(path, member) }

    /** Puts a new collaborative text at a path. It reads as a string. */
    public suspend fun textCreate(id: String, path: CharSequence, text: String = ""): Receipt =
        commit { Actions(name, id).textCreate(path, text) }

    /**
     * Edits a collaborative text as it is visible now, with splices in order, each on the text that the
     * one before leaves. What others type meanwhile stays.
     */
    public suspend fun textEdit(id: String, path: CharSequence, splices: List<Splice>): Receipt =
        commit { Actions(name, id).textEdit(path, splices) }

    /** A collaborative text in a document. */
    public fun text(id: String, path: CharSequence): Text = Text(this, id, path)

    override fun toString(): String = "Collection($name)"

    private suspend fun commit(action: () -> JsonObject): Receipt =
        answered { Receipt(native.commit(bytesOf(JsonArray(listOf(action())))).receipt()) }

    internal fun idOf(document: T): String =
        mapping.id(document) ?: throw invalid("no_id", "this type has no property `id`; give one beside the document")

    internal fun fieldsOf(id: String, document: T): JsonObject {
        if ((mapping.id(document) ?: id) != id) throw invalid("other_id", "the document itself says another id")
        return mapping.fields(document)
    }
}

/** `[[element, value], …]`. */
internal fun elementsOf(json: ByteArray): List<ListElement> =
    (parsed(json) as JsonArray).map { row ->
        val (element, value) = row as JsonArray
        ListElement((element as JsonPrimitive).content, valueOf(value))
    }
