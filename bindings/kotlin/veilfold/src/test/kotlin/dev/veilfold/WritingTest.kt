// What one client does with its own documents, without any relay.

package dev.veilfold

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class WritingTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun everyKindOfWriteIsVisibleAtOnce() = alone(folder) { space ->
        assertEquals("Groceries", space.name)
        assertEquals(64, space.id.length)
        val items = space.collection("items")
        items.create(Document("milk", "qty" to 1, "tags" to listOf("a")))
        items.increment("milk", "qty", 2)
        items.set("milk", "price.net", 1.0)
        items.set("milk", FieldPath("price", "net.eu"), true)
        items.merge("milk", mapOf("gross" to 2), "price")
        items.merge("milk", mapOf("title" to "Milk"))
        items.setAdd("milk", "labels", "cold")
        val note = items.text("milk", "note")
        note.create("fresh milk")
        note.insert(5, "est 🥛")
        note.delete(8, 2)
        assertEquals("freshest milk", note.read())
        val receipt = items.listAppend("milk", "tags", mapOf("name" to "b"))
        val (first, second) = items.elements("milk", "tags")
        assertEquals(listOf(second.id), receipt.elements)
        assertEquals(Value.Object("name" to "b"), second.value)
        items.set("milk", FieldPath("tags", ElementId(second.id), "name"), "B")
        items.set("milk", "tags.#${second.id}.n", 1)
        items.listMove("milk", "tags", first.id, after = second.id)
        items.listInsert("milk", "tags", "start")
        val expected =
            Value.Object(
                "qty" to 3,
                "title" to "Milk",
                "price" to mapOf("net" to 1.0, "net.eu" to true, "gross" to 2),
                "labels" to listOf("cold"),
                "note" to "freshest milk",
                "tags" to listOf("start", mapOf("name" to "B", "n" to 1), "a"),
            )
        assertEquals(Document("milk", expected), items.get("milk"))
        items.listRemove("milk", "tags", second.id)
        items.setRemove("milk", "labels", "cold")
        items.unset("milk", "price")
        items.put(Document("bread"))
        val rows = items.all()
        assertEquals(listOf("bread", "milk"), rows.map { it.id })
        assertEquals(Value.Array("start", "a"), rows[1]["tags"])
        assertNull(rows[1]["price"])
        items.delete("milk")
        assertNull(items.get("milk"))
        assertEquals(Fate.Pending, receipt.fate())
        assertEquals(Fate.Pending, space.receipt(receipt.txId).fate())
    }

    @Test
    fun serializableObjectsAreDocuments() = alone(folder) { space ->
        val items = space.collection<Item>("items")
        items.put(Item("milk", "Milk"))
        items.create(Item("bread", "Bread", 2, true))
        assertEquals(Item("milk", "Milk"), items.get("milk"))
        assertEquals(listOf(Item("bread", "Bread", 2, true), Item("milk", "Milk")), items.all())
        assertNull(items.get("none"))
        failure("rejected") { items.create(Item("milk", "Milk")) }
    }

    @Test
    fun theIdIsNotStoredTwice() = alone(folder) { space ->
        space.collection<Item>("items").put(Item("milk", "Milk"))
        val fields = space.collection("items").get("milk")?.fields?.fields
        assertEquals(setOf("title", "qty", "done"), fields?.keys)
    }

    @Test
    fun unknownFieldsArePassedOver() = alone(folder) { space ->
        space.collection("items").put("milk", Document("milk", "title" to "Milk", "later" to listOf(1, 2)))
        val items = space.collection<Item>("items")
        assertEquals(Item("milk", "Milk"), items.get("milk"))
        items.increment("milk", "qty", 4)
        assertEquals(4, items.get("milk")?.qty)
        assertEquals(Value.Array(1, 2), space.collection("items").get("milk")?.get("later"))
    }

    @Test
    fun pathsInPartsAreNotTakenApart() = alone(folder) { space ->
        val c = space.collection("c")
        c.set("a", FieldPath("x.y", "#z"), 1)
        assertEquals(Value.Object("x.y" to mapOf("#z" to 1)), c.get("a")?.fields)
        assertEquals(FieldPath("x", ElementId("1")), FieldPath("x", ElementId("1")))
        failure("bad_path") { c.set("a", FieldPath("x", 7), 1) }
    }

    @Test
    fun aWrongCallSaysSoAndChangesNothing() = story {
        Veilfold.open(store(folder)).use { alice ->
            val space = alice.createSpace()
            val c = space.collection("c")
            c.put(Document("a", "text" to "x"))
            val calls =
                listOf<Pair<String, suspend () -> Any?>>(
                    "bad_path" to { c.set("a", "x..y", 1) },
                    "rejected" to { c.increment("a", "text") },
                    "rejected" to { c.create(Document("a")) },
                    "bad_action" to { c.put(Document("")) },
                    "other_id" to { c.put("b", Document("a")) },
                    "bad_element" to { c.listRemove("a", "l", "nonsense") },
                    "bad_set_member" to { c.setAdd("a", "s", 1.5) },
                    "bad_splice" to { c.textEdit("a", "text", listOf(Splice(-1, 0, "x"))) },
                    "bad_ticket" to { alice.join("nonsense") },
                    "unknown_space" to { alice.space("0".repeat(64)) },
                    "bad_space_id" to { alice.space("nonsense") },
                    "bad_relay_url" to { alice.setRelay("http://x") },
                    "bad_card" to { space.addMember("nonsense") },
                    "bad_tx_id" to { space.receipt("nonsense") },
                    "fate_forgotten" to { space.receipt("0".repeat(16)).settled() },
                )
            for ((code, call) in calls) {
                val error = failure(code, call)
                assertTrue(error is VeilfoldException.Invalid)
                assertFalse("nonsense" in error.detail)
            }
            assertEquals(listOf(Document("a", "text" to "x")), c.all())
        }
    }

    @Test
    fun manyDocumentsAreReadPageByPage() = alone(folder) { space ->
        val c = space.collection("c")
        for (start in 0 until 1100 step 100) {
            space.transact { for (n in start until start + 100) put(c, Document("%05d".format(n), "n" to n)) }
        }
        assertEquals((0L until 1100L).toList(), c.all().map { it["n"].integer })
    }

    @Test
    fun aCancelledWriteIsWholeOrNotThere() = alone(folder) { space ->
        val c = space.collection("c")
        for (n in 0 until 60) {
            val job =
                launch(Dispatchers.Default) {
                    space.transact {
                        increment(c, "a", "n")
                        increment(c, "b", "n")
                    }
                }
            delay(n / 10L)
            job.cancelAndJoin()
        }
        assertEquals(c.get("a")?.fields, c.get("b")?.fields)
        c.put(Document("after"))
        assertEquals(Document("after"), c.get("after"))
    }
}
