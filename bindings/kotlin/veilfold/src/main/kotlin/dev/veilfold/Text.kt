// A collaborative text in a document, as an object.

package dev.veilfold

import kotlinx.serialization.json.JsonObject

/**
 * A collaborative text in a document. What several people type at once is all kept.
 *
 * Offsets count code points of the text as it is visible now; `text.codePointCount(0, index)` turns an
 * index of a Kotlin string into one. Writes work offline and throw as those of a [Collection].
 */
public class Text internal constructor(
    private val collection: Collection<*>,
    private val id: String,
    private val path: CharSequence,
) {
    /** Puts a new text in its place. */
    public suspend fun create(text: String = ""): Receipt = collection.textCreate(id, path, text)

    /** Inserts at an offset. */
    public suspend fun insert(offset: Int, text: String): Receipt = edit(Splice(offset, 0, text))

    /** Deletes from an offset. */
    public suspend fun delete(offset: Int, count: Int): Receipt = edit(Splice(offset, count, ""))

    /** Several splices in order, each on the text that the one before leaves. */
    public suspend fun edit(vararg splices: Splice): Receipt = collection.textEdit(id, path, splices.asList())

    /** The text as it is visible, `null` when there is none. */
    public suspend fun read(): String? =
        answered {
            val document = collection.native.get(collection.name, id).jsonOrNull() ?: return@answered null
            keysOf(path).fold<String, Value?>(valueOf(parsed(document) as JsonObject)) { value, key -> value[key] }.text
        }
}
