// Documents that older versions of an app wrote, kept as files, and the check that they still read.

package dev.veilfold.testing

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.serializer
import java.io.File

/**
 * Sample documents in a folder of the app's own tests, `<folder>/<collection>/<name>.json`.
 *
 * ```
 * val schemas = Schemas(File("src/test/schemas"))
 *
 * @Test fun oldItemsStillRead() {
 *     schemas.record("items", "2026-03", Item(title = "Milk"))
 *     schemas.check<Item>("items")
 * }
 * ```
 *
 * Documents outlive the version that wrote them, on this device and on others. Record an example with every
 * version that changes a type, commit the files, and never change one. A type is read as a collection reads
 * it: fields that it does not declare are passed over, and a property `id` is the document's id, for which
 * the file's name stands here.
 */
public class Schemas(private val folder: File) {
    /** Writes today's example once. It is an [AssertionError] when another one has that name. */
    public inline fun <reified T> record(collection: String, name: String, document: T): Unit =
        record(collection, name, document, serializer())

    /** The same for a serializer that is at hand. */
    public fun <T> record(collection: String, name: String, document: T, serializer: KSerializer<T>) {
        for (part in listOf(collection, name)) {
            require(part.isNotEmpty() && part == File(part).name && part != "..") { "\"$part\" cannot be the name of a file" }
        }
        val encoded = format.encodeToJsonElement(serializer, document)
        require(encoded is JsonObject) { "a document is an object with fields" }
        val today: JsonElement = if (serializer.hasId()) JsonObject(encoded - ID) else encoded
        val file = File(File(folder, collection), "$name.json")
        if (file.exists()) {
            if (format.parseToJsonElement(file.readText()) != today) {
                throw AssertionError("$file was recorded with another document; record this one under a new name")
            }
            return
        }
        file.parentFile.mkdirs()
        file.writeText(format.encodeToString(JsonElement.serializer(), today) + "\n")
    }

    /**
     * Reads every document recorded for a collection, and gives their number. It is an [AssertionError] when
     * there is none, or when one does not read; all that do not are named.
     */
    public inline fun <reified T> check(collection: String): Int = check(collection, serializer<T>())

    /** The same for a serializer that is at hand. */
    public fun check(collection: String, serializer: KSerializer<*>): Int {
        val files = File(folder, collection).listFiles { file -> file.extension == "json" }.orEmpty().sorted()
        if (files.isEmpty()) throw AssertionError("${File(folder, collection)} holds no documents; record one first")
        val wrong =
            files.mapNotNull { file ->
                try {
                    read(file, serializer)
                    null
                } catch (error: IllegalArgumentException) {
                    // Also what a type's own `init` and kotlinx.serialization throw.
                    "$file: ${error.message}"
                }
            }
        if (wrong.isNotEmpty()) {
            throw AssertionError("documents of older versions do not read any more:\n" + wrong.joinToString("\n"))
        }
        return files.size
    }

    private fun read(file: File, serializer: KSerializer<*>) {
        val fields = format.parseToJsonElement(file.readText()) as? JsonObject
        require(fields != null) { "is not an object with fields" }
        val id = ID to JsonPrimitive(file.nameWithoutExtension)
        format.decodeFromJsonElement(serializer, if (serializer.hasId()) JsonObject(fields + id) else fields)
    }
}

private const val ID = "id"

/** As the package itself reads and writes, and for people to look at. */
@OptIn(ExperimentalSerializationApi::class)
private val format =
    Json {
        ignoreUnknownKeys = true
        encodeDefaults = true
        explicitNulls = false
        prettyPrint = true
        prettyPrintIndent = "  "
    }

@OptIn(ExperimentalSerializationApi::class)
private fun KSerializer<*>.hasId(): Boolean =
    (0 until descriptor.elementsCount).any { descriptor.getElementName(it) == ID }
