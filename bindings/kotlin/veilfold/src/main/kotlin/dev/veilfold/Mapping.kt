// How documents become objects of the app and back. A document's id is not one of its fields: it is
// taken out of the object when that is written, and put in when it is read.

package dev.veilfold

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

private const val ID = "id"

/** Between one type of the app and documents. */
internal interface Mapping<T> {
    /** The id that an object carries, `null` if its type has none. */
    fun id(document: T): String?

    /** What is stored of it. */
    fun fields(document: T): JsonObject

    /** The object of a document. */
    fun document(id: String, fields: JsonElement): T
}

/** Documents as they are. */
internal object Untyped : Mapping<Document> {
    override fun id(document: Document): String = document.id

    override fun fields(document: Document): JsonObject = elementOf(document.fields) as JsonObject

    override fun document(id: String, fields: JsonElement): Document = Document(id, valueOf(fields) as Value.Object)
}

/** Documents as serializable objects. */
internal class Typed<T>(private val serializer: KSerializer<T>) : Mapping<T> {
    private val hasId = serializer.descriptor.hasId()

    override fun id(document: T): String? = if (hasId) idIn(encoded(document)) else null

    override fun fields(document: T): JsonObject {
        val fields = encoded(document)
        return if (hasId) JsonObject(fields - ID) else fields
    }

    override fun document(id: String, fields: JsonElement): T {
        val own = fields as JsonObject
        return decoded(if (hasId) JsonObject(own + (ID to JsonPrimitive(id))) else own, serializer)
    }

    private fun encoded(document: T): JsonObject =
        elementOf(document, serializer) as? JsonObject
            ?: throw invalid("bad_json", "a document is an object with fields")

    private fun idIn(fields: JsonObject): String = (fields[ID] as JsonPrimitive).content
}

@OptIn(ExperimentalSerializationApi::class)
private fun SerialDescriptor.hasId(): Boolean {
    val index = (0 until elementsCount).find { getElementName(it) == ID } ?: return false
    var type = getElementDescriptor(index)
    if (type.isInline) type = type.getElementDescriptor(0)
    if (type.kind != PrimitiveKind.STRING || type.isNullable) {
        throw invalid("bad_id", "a property `id` of a document is its id, and that is a String")
    }
    return true
}
