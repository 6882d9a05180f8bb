// Values keep what they are, and what is no JSON is refused.

package dev.veilfold

import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

private val NUMBERS: List<Any> =
    listOf(1.0, (1L shl 53) + 1, -0.0, 1e300, 1, 0.1, 5e-324, Double.MAX_VALUE, Long.MIN_VALUE, Long.MAX_VALUE, true, 1e21, 100.0)

@Serializable
data class Numbers(
    val id: String,
    val whole: Double,
    val odd: Long,
    val minusZero: Double,
    val huge: Double,
    val small: Float,
    val any: Value,
    val maybe: String? = null,
)

@Serializable
data class Settings(val theme: String, val extra: Value = Value.Null)

@Serializable
data class Numbered(val id: Int)

@JvmInline
@Serializable
value class Name(val text: String)

@Serializable
data class Named(val id: Name, val n: Int)

class NumbersTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun numbersKeepTypeAndBits() = alone(folder) { space ->
        val c = space.collection("c")
        c.put(Document("n", "numbers" to NUMBERS))
        val read = (c.get("n")?.get("numbers") as Value.Array).values
        for ((sent, got) in NUMBERS.zip(read)) {
            when (sent) {
                is Double -> assertEquals(sent.toRawBits(), got.decimal?.toRawBits(), "$sent")
                is Boolean -> assertEquals(sent, got.bool)
                else -> assertEquals((sent as Number).toLong(), got.integer)
            }
        }
    }

    @Test
    fun typedNumbersKeepTypeAndBits() = alone(folder) { space ->
        val sent = Numbers("n", 1.0, (1L shl 53) + 1, -0.0, 1e300, 0.1f, Value.Array(1, 1.0))
        space.collection<Numbers>("c").put(sent)
        val fields = space.collection("c").get("n")
        assertEquals(Value.Decimal(1.0), fields?.get("whole"))
        assertEquals(Value.Integer((1L shl 53) + 1), fields?.get("odd"))
        assertEquals(Value.Decimal(-0.0), fields?.get("minusZero"))
        assertEquals(Value.Decimal(1e300), fields?.get("huge"))
        assertNull(fields?.get("maybe"))
        assertEquals(sent, space.collection<Numbers>("c").get("n"))
    }

    @Test
    fun whatIsNoJsonIsRefused() = alone(folder) { space ->
        val c = space.collection("c")
        val bad =
            listOf(Double.NaN, Float.POSITIVE_INFINITY, ByteArray(1), Any(), mapOf("deep" to "\ud800"), mapOf(1 to 2), 1u)
        for (value in bad) {
            failure("bad_json") { c.set("bad", "value", value) }
        }
        failure("bad_json") { space.collection<Numbers>("c").put(Numbers("n", Double.NaN, 0, 0.0, 0.0, 0f, Value.Null)) }
        assertEquals(emptyList<Document>(), c.all())
    }

    @Test
    fun aDocumentOfAnotherTypeSaysSoWithoutQuotingIt() = alone(folder) { space ->
        space.collection("items").put(Document("milk", "title" to listOf("secret")))
        val error = failure("wrong_type") { space.collection<Item>("items").get("milk") }
        assertFalse("secret" in error.toString())
        failure("wrong_type") { space.collection<Item>("items").all() }
    }

    @Test
    fun typesWithoutAnIdAreNamedBesideTheDocument() = alone(folder) { space ->
        val settings = space.collection<Settings>("settings")
        settings.put("mine", Settings("dark", Value.of(mapOf("x" to 1))))
        assertEquals("dark", settings.get("mine")?.theme)
        failure("no_id") { settings.put(Settings("dark")) }
        failure("other_id") { space.collection<Item>("items").put("a", Item("b", "B")) }
        failure("bad_id") { space.collection<Numbered>("x") }
        space.collection<Named>("x").put(Named(Name("a"), 1))
        assertEquals(Named(Name("a"), 1), space.collection<Named>("x").get("a"))
        failure("bad_json") { space.collection<List<Int>>("x").put("a", listOf(1)) }
    }

    @Test
    fun valuesAreMadeAndReadByHand() {
        val value = Value.encode(Item("milk", "Milk", 2))
        assertEquals(Value.Object("id" to "milk", "title" to "Milk", "qty" to 2, "done" to false), value)
        assertEquals(Item("milk", "Milk", 2), value.decode<Item>())
        assertEquals(2L, value["qty"].integer)
        assertEquals("Milk", value["title"].text)
        assertNull(value["none"]["deeper"][3].text)
        assertEquals(Value.Array(null, 'c'.code, "x", listOf(1.5f)), Value.of(listOf(null, 99L, "x", listOf(1.5))))
    }
}
