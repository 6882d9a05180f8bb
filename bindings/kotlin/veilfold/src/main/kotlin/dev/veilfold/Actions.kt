// The operations as the native layer reads them, for collections (each its own write) and
// transactions (several in one).

package dev.veilfold

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/**
 * One step of an edit of a collaborative text.
 *
 * @property offset Where, in code points from the start; `text.codePointCount(0, index)` turns an index
 *   of a Kotlin string into it.
 * @property delete How many code points to delete there.
 * @property insert What to insert there.
 */
public data class Splice(val offset: Int, val delete: Int, val insert: String)

/** What a transaction may demand of the order. */
public sealed interface Condition {
    /** Something is there. */
    public data object Exists : Condition

    /** Nothing is there. */
    public data object Missing : Condition

    /** Exactly this is there. */
    public data class Equals(val value: Value) : Condition

    /** A whole number, at least this one. */
    public data class AtLeast(val number: Long) : Condition

    /** A whole number, at most this one. */
    public data class AtMost(val number: Long) : Condition
}

/** The actions of one document of one collection. */
internal class Actions(private val collection: String, private val id: String) {
    fun call(name: String, args: Any?) = action("call", "name" to JsonPrimitive(name), "value" to elementOf(Value.of(args)))

    fun put(fields: JsonObject) = action("put", "value" to fields)

    fun create(fields: JsonObject) = action("create", "value" to fields)

    fun set(path: CharSequence, value: Any?) = at("set", path, "value" to elementOf(Value.of(value)))

    fun unset(path: CharSequence) = at("unset", path)

    fun merge(path: CharSequence, fields: Map<String, Any?>) =
        at("merge", path, "value" to elementOf(Value.of(fields)))

    fun increment(path: CharSequence, by: Long) = at("increment", path, "by" to JsonPrimitive(by))

    fun delete() = action("delete")

    fun listAppend(path: CharSequence, value: Any?) = at("list_append", path, "value" to elementOf(Value.of(value)))

    fun listInsert(path: CharSequence, value: Any?, after: String?, before: String?) =
        at("list_insert", path, "value" to elementOf(Value.of(value)), *place(after, before))

    fun listMove(path: CharSequence, element: String, after: String?, before: String?) =
        at("list_move", path, "element" to JsonPrimitive(element), *place(after, before))

    fun listRemove(path: CharSequence, element: String) = at("list_remove", path, "element" to JsonPrimitive(element))

    fun setAdd(path: CharSequence, member: Any) = at("set_add", path, "value" to elementOf(Value.of(member)))

    fun setRemove(path: CharSequence, member: Any) = at("set_remove", path, "value" to elementOf(Value.of(member)))

    fun textCreate(path: CharSequence, text: String) = at("text_create", path, "text" to JsonPrimitive(text))

    fun textEdit(path: CharSequence, splices: List<Splice>) = at("text_edit", path, "splices" to JsonArray(splices.map(::splice)))

    fun expect(path: CharSequence, condition: Condition): JsonObject {
        val (name, value) =
            when (condition) {
                Condition.Exists -> "exists" to null
                Condition.Missing -> "missing" to null
                is Condition.Equals -> "equals" to elementOf(condition.value)
                is Condition.AtLeast -> "at_least" to JsonPrimitive(condition.number)
                is Condition.AtMost -> "at_most" to JsonPrimitive(condition.number)
            }
        val demand = listOfNotNull("is" to JsonPrimitive(name), value?.let { "value" to it })
        return at("expect", path, *demand.toTypedArray())
    }

    private fun at(op: String, path: CharSequence, vararg rest: Pair<String, JsonElement>) =
        action(op, "path" to pathElement(path), *rest)

    private fun action(op: String, vararg rest: Pair<String, JsonElement>): JsonObject {
        val target = arrayOf("op" to op, "collection" to collection, "id" to id)
        return JsonObject(target.associate { (key, text) -> key to JsonPrimitive(text) } + rest)
    }
}

private fun place(after: String?, before: String?): Array<Pair<String, JsonElement>> =
    listOfNotNull(after?.let { "after" to JsonPrimitive(it) }, before?.let { "before" to JsonPrimitive(it) }).toTypedArray()

private fun splice(splice: Splice): JsonElement {
    if (splice.offset < 0 || splice.delete < 0) throw invalid("bad_splice", "offsets and counts are not negative")
    return JsonArray(listOf(JsonPrimitive(splice.offset), JsonPrimitive(splice.delete), JsonPrimitive(splice.insert)))
}
