// Documents of older versions still read, in the app's own tests.

package dev.veilfold.testing

import kotlinx.serialization.Serializable
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File

class SchemasTest {
    @TempDir
    lateinit var folder: File

    @Serializable
    private data class FirstItem(val id: String, val title: String, val gone: Int = 1)

    @Serializable
    private data class Item(val id: String, val title: String, val done: Boolean = false, val price: Double? = null)

    @Serializable
    private data class StricterItem(val title: String, val owner: String)

    @Serializable
    private data class OtherItem(val title: Int)

    private fun recorded(): Schemas {
        val schemas = Schemas(folder)
        schemas.record("items", "2025", FirstItem("milk", "Milk"))
        schemas.record("items", "2026", Item("tea", "Tea", done = true, price = 2.5))
        return schemas
    }

    @Test
    fun `old documents read with today's type`() {
        assertEquals(2, recorded().check<Item>("items"))
        assertTrue("\"id\"" !in File(folder, "items/2025.json").readText())
    }

    @Test
    fun `a type that old documents do not fit is named with the files`() {
        val schemas = recorded()
        val stricter = assertThrows<AssertionError> { schemas.check<StricterItem>("items") }
        assertTrue("2025.json" in stricter.message!! && "2026.json" in stricter.message!! && "owner" in stricter.message!!)
        assertThrows<AssertionError> { schemas.check<OtherItem>("items") }
    }

    @Test
    fun `what is recorded is never written anew`() {
        val schemas = recorded()
        val before = File(folder, "items/2025.json").readText()
        schemas.record("items", "2025", FirstItem("another", "Milk"))
        assertThrows<AssertionError> { schemas.record("items", "2025", FirstItem("milk", "Oat milk")) }
        assertEquals(before, File(folder, "items/2025.json").readText())
    }

    @Test
    fun `nothing recorded is no success`() {
        assertThrows<AssertionError> { Schemas(folder).check<Item>("items") }
        assertThrows<IllegalArgumentException> { Schemas(folder).record("..", "one", Item("a", "b")) }
    }
}
