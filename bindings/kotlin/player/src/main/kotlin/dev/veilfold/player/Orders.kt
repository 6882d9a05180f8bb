// The parts of an order, by name.

package dev.veilfold.player

import dev.veilfold.Document
import dev.veilfold.Splice
import dev.veilfold.Value
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long

class Order(private val parts: JsonObject) {
    fun textOrNull(name: String): String? = parts[name]?.jsonPrimitive?.contentOrNull

    fun text(name: String): String = textOrNull(name) ?: error("$name is missing")

    fun long(name: String): Long = parts.getValue(name).jsonPrimitive.long

    fun longOrNull(name: String): Long? = parts[name]?.let { if (it is JsonNull) null else it.jsonPrimitive.long }

    fun flag(name: String): Boolean = parts[name]?.jsonPrimitive?.booleanOrNull ?: false

    fun value(): Value = valueOf(parts.getValue("value"))

    fun document(): Document = Document(text("id"), valueOf(parts.getValue("document")) as Value.Object)

    fun splices(): List<Splice> =
        parts.getValue("splices").jsonArray.map {
            val (offset, delete, insert) = it.jsonArray
            Splice(offset.jsonPrimitive.int, delete.jsonPrimitive.int, insert.jsonPrimitive.content)
        }

    fun order(name: String): Order? = (parts[name] as? JsonObject)?.let(::Order)

    fun orders(name: String): List<Order> = parts[name]?.jsonArray.orEmpty().map { Order(it.jsonObject) }

    fun textsOrNull(name: String): List<String>? = (parts[name] as? JsonArray)?.map { it.jsonPrimitive.content }
}

/** An answer's result. */
fun result(vararg parts: Pair<String, JsonElement>): JsonElement = JsonObject(parts.toMap())

fun string(text: String?): JsonPrimitive = JsonPrimitive(text)
