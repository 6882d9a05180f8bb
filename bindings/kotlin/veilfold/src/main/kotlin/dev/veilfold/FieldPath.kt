// Where in a document something is.

package dev.veilfold

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/**
 * The id of a list element, where a path is given in parts: `FieldPath("tags", ElementId(id), "name")`.
 */
public data class ElementId(val value: String)

/**
 * A path in parts, for keys that contain a dot or `#`. Wherever a path is asked for, its text form
 * will do as well: `"price.net"`, `"tags#<element id>.name"`.
 *
 * @param parts Keys (`String`) and list elements ([ElementId]).
 */
public class FieldPath private constructor(private val parts: List<Any>, private val text: String) : CharSequence by text {
    public constructor(vararg parts: Any) : this(parts.asList(), parts.joinToString("."))

    internal fun keys(): List<String> = parts.map { it.toString() }

    internal fun element(): JsonElement = JsonArray(parts.map(::partOf))

    override fun equals(other: Any?): Boolean = other is FieldPath && other.parts == parts

    override fun hashCode(): Int = parts.hashCode()

    override fun toString(): String = text
}

private fun partOf(part: Any): JsonElement =
    when (part) {
        is String -> JsonPrimitive(part)
        is ElementId -> JsonObject(mapOf("element" to JsonPrimitive(part.value)))
        else -> throw invalid("bad_path", "a path is made of keys and element ids")
    }

/** A path as an action carries it. */
internal fun pathElement(path: CharSequence): JsonElement =
    if (path is FieldPath) path.element() else JsonPrimitive(path.toString())

/** The keys of a path that leads through objects only. */
internal fun keysOf(path: CharSequence): List<String> =
    if (path is FieldPath) path.keys() else path.toString().split('.')
