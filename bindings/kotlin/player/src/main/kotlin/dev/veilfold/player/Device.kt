// One device of a player: its client, its only space, and what it watches.

package dev.veilfold.player

import dev.veilfold.Client
import dev.veilfold.Collection
import dev.veilfold.Document
import dev.veilfold.Fate
import dev.veilfold.Receipt
import dev.veilfold.Role
import dev.veilfold.Space
import dev.veilfold.Value
import dev.veilfold.get
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive

class Device(
    private val client: Client,
    private var ownSpace: Space?,
    private val scope: CoroutineScope,
    private val counted: Counted,
) {
    private var last: Receipt? = null
    private val watches = HashMap<String, Watch>()

    private class Watch(val rows: MutableStateFlow<List<Document>>, val job: Job)

    private val space: Space
        get() = ownSpace ?: error("there is no space yet")

    suspend fun obey(order: Order): JsonElement =
        when (val what = order.text("do")) {
            "create_space" -> entered(client.createSpace(order.text("name")))
            "contact_card" -> result("card" to string(client.contactCard(order.text("name"))))
            "add_member" -> {
                val ticket = space.addMember(order.text("card"), Role.valueOf(order.text("role").uppercase()))
                ticket.receipt.settled()
                result("ticket" to string(ticket.text))
            }
            "join" -> entered(client.join(order.text("ticket"), order.text("name")))
            "write" -> {
                val receipt = write(collection(order), order)
                last = receipt
                result("elements" to JsonArray(receipt.elements.map(::string)))
            }
            "transact" -> transact(order)
            "settled" -> fate((last ?: error("nothing was written")).settled())
            "get" -> typed(collection(order).get(order.text("id"))?.fields)
            "all" -> rows(collection(order).all())
            "elements" -> {
                val elements = collection(order).elements(order.text("id"), order.text("path"))
                val pairs = elements.map { JsonArray(listOf(string(it.id), typed(it.value))) }
                result("elements" to JsonArray(pairs))
            }
            "watch" -> watch(order.text("collection"))
            "watched" -> watched(order)
            "unwatch" -> done { watches.remove(order.text("collection"))?.job?.cancelAndJoin() }
            "disconnect" -> done { client.disconnect() }
            "connect" -> done { client.connect() }
            "synced" -> result("seq" to JsonPrimitive(space.synced().seq))
            "reached" -> result("seq" to JsonPrimitive(space.reached(order.long("seq")).seq))
            "root" -> result("root" to string(space.stateRoot()))
            "status" -> {
                val status = space.currentStatus()
                result("outbox" to JsonPrimitive(status.outboxCount), "seq" to JsonPrimitive(status.seq))
            }
            "members" -> {
                val members = space.members().map { listOf(string(it.name), string(it.role.name.lowercase()), JsonPrimitive(it.me)) }
                result("members" to JsonArray(members.map(::JsonArray)))
            }
            "repeat" -> result("seconds" to JsonPrimitive(repeated(space, order)))
            "resolved" -> counted.json()
            "close" -> done { client.shutdown() }
            else -> error("no such order: $what")
        }

    private fun collection(order: Order): Collection<Document> = space.collection(order.text("collection"))

    private fun entered(entered: Space): JsonElement {
        ownSpace = entered
        return result("space" to string(entered.id))
    }

    private suspend fun transact(order: Order): JsonElement {
        val done =
            space.transact {
                val read =
                    order.textsOrNull("get")?.let { (name, id) ->
                        val items = space.collection(name)
                        val read = get(items, id)
                        order.order("expect")?.let { expect(items, id, it.textOrNull("path").orEmpty(), condition(it)) }
                        read
                    }
                for (write in order.orders("writes")) write(space.collection(write.text("collection")), write)
                read
            }
        last = done.receipt
        return result("read" to typed(done.value?.fields))
    }

    private fun watch(name: String): JsonElement {
        val rows = MutableStateFlow<List<Document>>(emptyList())
        val job = scope.launch { space.collection(name).live().collect { rows.value = it } }
        watches[name] = Watch(rows, job)
        return JsonNull
    }

    private suspend fun watched(order: Order): JsonElement {
        val rows = (watches[order.text("collection")] ?: error("nothing is watched")).rows
        order.longOrNull("rows")?.let { count -> return rows(rows.first { it.size.toLong() == count }) }
        val (id, path, value) = Triple(order.text("id"), order.text("path").split('.'), order.value())
        rows.first { state ->
            val document: Value? = state.find { it.id == id }?.fields
            path.fold(document) { found, key -> found[key] } == value
        }
        return JsonNull
    }
}

private fun rows(documents: List<Document>): JsonElement =
    result("rows" to JsonArray(documents.map { JsonArray(listOf(string(it.id), typed(it.fields))) }))

private fun fate(fate: Fate.Settled): JsonElement {
    val (name, code) =
        when (fate) {
            is Fate.Confirmed -> "confirmed" to null
            is Fate.Rejected -> "rejected" to fate.reason
            is Fate.Refused -> "refused" to fate.reason
        }
    return result("fate" to string(name), "code" to string(code))
}

private inline fun done(call: () -> Unit): JsonElement {
    call()
    return JsonNull
}
