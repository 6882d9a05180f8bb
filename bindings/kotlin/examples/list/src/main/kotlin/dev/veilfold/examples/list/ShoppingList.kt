// What the list does, without a user interface: the same for the terminal and for Android.

package dev.veilfold.examples.list

import dev.veilfold.Client
import dev.veilfold.Space
import dev.veilfold.SyncState
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map
import kotlinx.serialization.Serializable

@Serializable
data class Item(val id: String, val qty: Long = 1, val done: Boolean = false)

/** One shared list: a space with one collection. */
class ShoppingList(private val space: Space) {
    private val items = space.collection<Item>("items")

    /** What is on it, as it changes. */
    val rows: Flow<List<Item>> = items.live()

    /** True while the relay is not there; everything works, and is sent later. */
    val offline: Flow<Boolean> = space.status.map { it.state != SyncState.Live }

    /** One more of it. Two people who add at once add two. */
    suspend fun add(name: String) {
        items.increment(name, "qty")
        items.set(name, "done", false)
    }

    /** Ticks it off, unless somebody else has. */
    suspend fun buy(name: String) {
        space.transact {
            val item = get(items, name) ?: return@transact
            if (!item.done) put(items, item.copy(done = true))
        }
    }

    /** A ticket for the holder of a contact card. */
    suspend fun invite(card: String): String = space.addMember(card).text

    companion object {
        /** The list of this device, made when there is none. */
        suspend fun of(client: Client): ShoppingList =
            ShoppingList(client.spaces().firstOrNull() ?: client.createSpace("List"))

        /** Somebody else's list. */
        suspend fun joined(client: Client, ticket: String): ShoppingList = ShoppingList(client.join(ticket, "List"))
    }
}
