// A space: its collections, transactions, members, and how it stands.

package dev.veilfold

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.serialization.KSerializer
import kotlinx.serialization.serializer
import dev.veilfold.ffi.Space as NativeSpace

/**
 * A space of this device. A client gives the same object each time it is asked for the same space.
 *
 * @property id Its id, 64 hex digits, the same on every device.
 * @property name This device's own name for it; others do not see it.
 */
public class Space internal constructor(
    internal val native: NativeSpace,
    public val id: String,
    public val name: String,
    /**
     * How it stands with the relay, and how much waits in the outbox; kept up to date until the client
     * closes. Does not complete; [statuses] does.
     */
    public val status: StateFlow<SyncStatus>,
    private val mutators: Mutators,
) {

    /** The status as it changes, the present one first; completes when the client closes. */
    public fun statuses(): Flow<SyncStatus> = statuses { native.statusStream().statuses() }

    /** The status at this moment. */
    public suspend fun currentStatus(): SyncStatus = statusOf(answered { native.status().status() })

    /** A collection of it whose documents are serializable objects: `space.collection<Item>("items")`. */
    public inline fun <reified T : Any> collection(name: String): Collection<T> = collection(name, serializer<T>())

    /** The same with a serializer at hand. */
    public fun <T : Any> collection(name: String, serializer: KSerializer<T>): Collection<T> =
        Collection(native, id, name, Typed(serializer))

    /** A collection of it without declared types. */
    @JvmName("documents")
    public fun collection(name: String): Collection<Document> = Collection(native, id, name, Untyped)

    /**
     * Runs the function and commits what it asked for, all or nothing. Works offline.
     *
     * The function is a plain one. It runs in a thread for blocking work, more than once if what it
     * read changes meanwhile on this device, so it has no side effects. If somebody else changes what it
     * read before the order has it, the receipt's fate is [Fate.Rejected]. When it throws, nothing is
     * written and the exception comes out here.
     */
    public suspend fun <T> transact(function: Transaction.() -> T): Transacted<T> =
        transact(native, id, { native.begin() }, function)

    /**
     * Runs a mutator that the client was opened with, as [transact] runs a function, and again by itself
     * whenever the order rejects what it did, up to eight times, also after a restart.
     *
     * The receipt settles after the last try: [Fate.Confirmed] if one held, else [Fate.Rejected], or
     * [Fate.Refused] with `mutator_missing` or `mutator_failed` when it could not be run again. `null` when
     * the mutator asked for nothing. What it throws in this first run comes out here.
     *
     * @throws VeilfoldException.Invalid with `mutator_missing` when the client was opened without it.
     */
    public suspend fun <A> mutate(mutator: Mutator<A>, args: A): Receipt? =
        mutations(mutators.known(mutator), mutator.json(args))

    /** The same by its name, with arguments that become a [Value] by [Value.of]. */
    public suspend fun mutate(mutator: String, args: Any?): Receipt? =
        mutations(mutators.known(mutator), bytesOf(elementOf(Value.of(args))))

    private suspend fun mutations(mutator: Mutator<*>, args: ByteArray): Receipt? =
        transact(native, id, { native.beginMutation(mutator.name, args) }) { mutator.run(this, args) }.receipt

    /**
     * What became of this device's writes, from the first that nobody has taken yet, also those of earlier
     * runs of the process.
     *
     * The device keeps its place. Asking for more takes what was given, up to a hundred at a time; whoever
     * is stopped before that gets those again, so each comes at least once. Do what is to be done with a
     * fate in the collector, or in operators without a buffer. A space has one such place: collect this
     * flow in one place at a time. Completes when the client closes.
     */
    public fun fates(): Flow<SettledFate> = fates { native.fates().fates() }

    /**
     * Has the space accept the newest version of every resolver that the client was opened with, for ever.
     * `null` when it accepts all of them already, as a space does that this client has founded.
     *
     * Devices whose app does not know them hold (`update_required`) until it is updated.
     *
     * @throws VeilfoldException.NotAllowed for who is no admin.
     */
    public suspend fun enableResolvers(): Receipt? = answered { native.enableResolvers().receiptOrNull() }?.let(::Receipt)

    /** The receipt of a write whose id the app kept, also from an earlier run of the process. */
    public fun receipt(txId: String): Receipt = Receipt(told { native.receipt(txId) })

    /**
     * Adds the holder of a contact card and gives the ticket for them. Works offline.
     *
     * @throws VeilfoldException.NotAllowed when this device's role may not give that role.
     * @throws VeilfoldException.Invalid for what is no card and for one that was added before.
     */
    public suspend fun addMember(card: String, role: Role = Role.WRITER): Ticket {
        val added = answered { native.addMember(card, role.native).added() }
        return Ticket(added.ticket, Receipt(added.receipt))
    }

    /** Who is in the space, as far as this device has folded the order. */
    public suspend fun members(): List<Member> = answered { native.members().members() }.map(::memberOf)

    /**
     * Hash over the whole ordered state, 64 hex digits: equal on all devices at one position.
     *
     * @throws VeilfoldException.Invalid with `not_folded` while something ordered cannot be opened yet.
     */
    public suspend fun stateRoot(): String = answered { native.stateRoot().text() }

    /**
     * Waits until the order contains all own writes and this device has caught up.
     *
     * @throws VeilfoldException.Offline when no relay is named.
     * @throws VeilfoldException.RelayMisbehaved when the relay was caught.
     */
    public suspend fun synced(): SyncStatus = statusOf(answered { native.synced().status() })

    /** Waits until this device has folded the order up to a position. Throws as [synced]. */
    public suspend fun reached(seq: Long): SyncStatus = statusOf(answered { native.reached(seq).status() })

    override fun toString(): String = "Space(${id.take(8)}…)"
}
