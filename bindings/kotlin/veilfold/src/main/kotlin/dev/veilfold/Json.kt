// JSON as it crosses the border. The text of a number decides its type, so none changes on the way:
// kotlinx.serialization keeps that text, and what is written here for a Double always has a point
// or an exponent.

package dev.veilfold

import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PolymorphicKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.buildSerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonEncoder
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.nio.ByteBuffer
import java.nio.CharBuffer
import java.nio.charset.CharacterCodingException

/** Fields that a type does not declare are passed over; a property that is `null` is an absent field. */
internal val format: Json =
    Json {
        ignoreUnknownKeys = true
        encodeDefaults = true
        explicitNulls = false
    }

internal fun <T> elementOf(value: T, serializer: KSerializer<T>): JsonElement =
    try {
        format.encodeToJsonElement(serializer, value)
    } catch (error: SerializationException) {
        throw notJson(error)
    }

internal fun <T> decoded(element: JsonElement, serializer: KSerializer<T>): T =
    try {
        format.decodeFromJsonElement(serializer, element)
    } catch (error: IllegalArgumentException) {
        // Its message quotes the document.
        throw invalid("wrong_type", "what is stored is not a ${serializer.descriptor.serialName}: ${error.javaClass.simpleName}")
    }

internal fun elementOf(value: Value): JsonElement =
    when (value) {
        Value.Null -> JsonNull
        is Value.Bool -> JsonPrimitive(value.value)
        is Value.Integer -> JsonPrimitive(value.value)
        is Value.Decimal -> {
            if (!value.value.isFinite()) throw notJson(null)
            JsonPrimitive(value.value)
        }
        is Value.Text -> JsonPrimitive(value.value)
        is Value.Array -> JsonArray(value.values.map { elementOf(it) })
        is Value.Object -> JsonObject(value.fields.mapValues { elementOf(it.value) })
    }

internal fun valueOf(element: JsonElement): Value =
    when (element) {
        JsonNull -> Value.Null
        is JsonObject -> Value.Object(element.mapValues { valueOf(it.value) })
        is JsonArray -> Value.Array(element.map(::valueOf))
        is JsonPrimitive -> scalarOf(element)
    }

private fun scalarOf(element: JsonPrimitive): Value {
    val text = element.content
    return when {
        element.isString -> Value.Text(text)
        text == "true" || text == "false" -> Value.Bool(text == "true")
        text.any { it in ".eE" } -> Value.Decimal(text.toDoubleOrNull() ?: throw notJson(null))
        else -> Value.Integer(text.toLongOrNull() ?: throw notJson(null))
    }
}

/** UTF-8; half a surrogate pair is no text. */
internal fun bytesOf(element: JsonElement): ByteArray =
    try {
        val buffer = Charsets.UTF_8.newEncoder().encode(CharBuffer.wrap(element.toString()))
        ByteArray(buffer.remaining()).also { buffer.get(it) }
    } catch (error: CharacterCodingException) {
        throw notJson(error)
    } catch (error: StackOverflowError) {
        throw notJson(error)
    }

/** The same outside the heap, as a native call that does not wait takes it. */
internal fun directBytesOf(element: JsonElement): ByteBuffer {
    val bytes = bytesOf(element)
    // Not `flip()`: compiled against a newer Java its return type would not be found on older Androids.
    val buffer = ByteBuffer.allocateDirect(bytes.size)
    for ((index, byte) in bytes.withIndex()) buffer.put(index, byte)
    return buffer
}

/** What Veilfold wrote. */
internal fun parsed(bytes: ByteArray): JsonElement = parsed(bytes.decodeToString())

internal fun parsed(text: String): JsonElement =
    try {
        format.parseToJsonElement(text)
    } catch (error: SerializationException) {
        throw notJson(error)
    }

private fun notJson(cause: Throwable?): VeilfoldException {
    val kind = cause?.javaClass?.simpleName ?: "number"
    return invalid("bad_json", "only JSON can be stored: no NaN, huge numbers or other objects ($kind)")
}

/** Lets a [Value] stand inside a serializable class. */
internal object ValueSerializer : KSerializer<Value> {
    @OptIn(kotlinx.serialization.InternalSerializationApi::class, kotlinx.serialization.ExperimentalSerializationApi::class)
    override val descriptor: SerialDescriptor = buildSerialDescriptor("dev.veilfold.Value", PolymorphicKind.SEALED)

    override fun serialize(encoder: Encoder, value: Value) {
        val json = encoder as? JsonEncoder ?: throw SerializationException("a Value is written as JSON only")
        json.encodeJsonElement(elementOf(value))
    }

    override fun deserialize(decoder: Decoder): Value {
        val json = decoder as? JsonDecoder ?: throw SerializationException("a Value is read from JSON only")
        return valueOf(json.decodeJsonElement())
    }
}
