// Values as players write them: with their type, so that no JSON library in between can change them.

package dev.veilfold.player

import dev.veilfold.Value
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

fun typed(value: Value?): JsonElement =
    when (value) {
        null, Value.Null -> JsonNull
        is Value.Bool -> JsonPrimitive(value.value)
        is Value.Integer -> tagged("i", JsonPrimitive(value.value.toString()))
        is Value.Decimal -> tagged("f", JsonPrimitive("%016x".format(value.value.toRawBits())))
        is Value.Text -> tagged("s", JsonPrimitive(value.value))
        is Value.Array -> tagged("l", JsonArray(value.values.map(::typed)))
        is Value.Object -> tagged("o", JsonObject(value.fields.mapValues { typed(it.value) }))
    }

fun valueOf(typed: JsonElement): Value =
    when (typed) {
        JsonNull -> Value.Null
        is JsonPrimitive -> Value.Bool(typed.boolean)
        else -> {
            val (tag, inner) = typed.jsonObject.entries.single()
            when (tag) {
                "i" -> Value.Integer(inner.jsonPrimitive.content.toLong())
                "f" -> Value.Decimal(Double.fromBits(inner.jsonPrimitive.content.toULong(16).toLong()))
                "s" -> Value.Text(inner.jsonPrimitive.content)
                "l" -> Value.Array(inner.jsonArray.map(::valueOf))
                "o" -> Value.Object(inner.jsonObject.mapValues { valueOf(it.value) })
                else -> error("no such type: $tag")
            }
        }
    }

private fun tagged(tag: String, inner: JsonElement) = JsonObject(mapOf(tag to inner))
