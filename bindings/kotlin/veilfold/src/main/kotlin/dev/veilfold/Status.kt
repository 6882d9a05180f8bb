// How a space stands, and what happens that no call waits for.

package dev.veilfold

import dev.veilfold.ffi.ClientStatus as NativeClientStatus
import dev.veilfold.ffi.DocumentName as NativeName
import dev.veilfold.ffi.Event as NativeEvent
import dev.veilfold.ffi.SpaceStatus as NativeStatus
import dev.veilfold.ffi.SyncState as NativeState

/** Where a space stands with the relay. */
public sealed interface SyncState {
    /** No connection. */
    public data object Offline : SyncState

    /** A connection is being made, or the space is being asked for. */
    public data object Connecting : SyncState

    /** The relay turned it away, for instance before this device was added; it is asked again by itself. */
    public data object Refused : SyncState

    /** Entries are arriving: `done` of `total` positions. */
    public data class CatchingUp(val done: Long, val total: Long) : SyncState

    /** What is ordered arrives as it is ordered. */
    public data object Live : SyncState

    /** Entries are kept and not folded; [SyncStatus.held] says why. */
    public data object Held : SyncState

    /** The relay was caught: `fault` says at what. */
    public data class Forked(val fault: String) : SyncState
}

/**
 * How a space stands.
 *
 * @property state With the relay.
 * @property outboxCount Own writes that the order does not contain yet.
 * @property storedCount Of these, how many the relay has stored.
 * @property seq Newest position that this device has verified and folded.
 * @property held Why entries are kept and not folded: `key_missing`, `update_required` when this version of the
 *   app is too old for a collection's resolver, or `resolver_stuck` when one gives no answer and is asked again.
 */
public data class SyncStatus(
    val state: SyncState,
    val outboxCount: Long,
    val storedCount: Long,
    val seq: Long,
    val held: String? = null,
)

/**
 * How a client stands.
 *
 * @property relay The relay that it was told to use.
 * @property wantsConnection True while it connects, is connected, or waits to try again.
 * @property spaces Every space by its id; whether the relay is there is told by their states.
 */
public data class ClientStatus(val relay: String?, val wantsConnection: Boolean, val spaces: Map<String, SyncStatus>)

/** A document's collection and id. */
public data class DocumentKey(val collection: String, val id: String)

/** Something noteworthy that no call was waiting for. */
public sealed interface Event {
    /** The relay gave something that an honest one cannot give. */
    public data class RelayMisbehaved(val space: String?, val fault: String) : Event

    /** Another copy of this store writes as this device. */
    public data class DeviceCloned(val space: String) : Event

    /** This device was added to a space. */
    public data class Admitted(val space: String) : Event

    /** The store could not keep what arrived; it is fetched again. */
    public data class StoreFailed(val detail: String) : Event

    /** A space stands still; why is told as by [SyncStatus.held], and whose resolver it is about. */
    public data class Held(val space: String, val why: String, val collection: String?, val version: Long?) : Event

    /** A resolver of the app threw, or gave what is no document: that write is rejected on every device. */
    public data class ResolverFailed(val space: String, val collection: String, val seq: Long) : Event

    /**
     * A writer has other documents, although this device's are what its own verified log makes of them; perhaps a
     * resolver gives different results on different devices. Told once, and again when the [bucket] of the state
     * root and the [documents] are found. Nothing here is replaced.
     */
    public data class Diverged(
        val space: String,
        val seq: Long,
        val author: Long,
        val bucket: Long?,
        val documents: List<DocumentKey>,
    ) : Event

    /**
     * This device's documents were not what its own verified log makes of them, perhaps because of a mistake in an
     * earlier version of the app's resolvers. They are now; the first of [count] are named.
     */
    public data class Healed(
        val space: String,
        val seq: Long,
        val bucket: Long?,
        val documents: List<DocumentKey>,
        val count: Long,
    ) : Event

    /** The connection ended or never came about; it is tried again. */
    public data class Disconnected(val detail: String) : Event

    /** So many events were lost because they were not collected in time. */
    public data class Missed(val count: Long) : Event
}

internal fun statusOf(native: NativeStatus): SyncStatus =
    SyncStatus(stateOf(native.state), native.outboxCount, native.storedCount, native.seq, native.held)

internal fun statusOf(native: NativeClientStatus): ClientStatus =
    ClientStatus(native.relay, native.wantsConnection, native.spaces.associate { it.id to statusOf(it.status) })

private fun stateOf(native: NativeState): SyncState =
    when (native) {
        NativeState.Offline -> SyncState.Offline
        NativeState.Connecting -> SyncState.Connecting
        NativeState.Refused -> SyncState.Refused
        is NativeState.CatchingUp -> SyncState.CatchingUp(native.done, native.total)
        NativeState.Live -> SyncState.Live
        NativeState.Held -> SyncState.Held
        is NativeState.Forked -> SyncState.Forked(native.fault)
    }

private fun nameOf(native: NativeName): DocumentKey = DocumentKey(native.collection, native.id)

internal fun eventOf(native: NativeEvent): Event =
    when (native) {
        is NativeEvent.RelayMisbehaved -> Event.RelayMisbehaved(native.space, native.fault)
        is NativeEvent.DeviceCloned -> Event.DeviceCloned(native.space)
        is NativeEvent.Admitted -> Event.Admitted(native.space)
        is NativeEvent.StoreFailed -> Event.StoreFailed(native.detail)
        is NativeEvent.Held -> Event.Held(native.space, native.why, native.collection, native.version)
        is NativeEvent.ResolverFailed -> Event.ResolverFailed(native.space, native.collection, native.seq)
        is NativeEvent.Diverged ->
            Event.Diverged(native.space, native.seq, native.author, native.bucket, native.documents.map(::nameOf))
        is NativeEvent.Healed ->
            Event.Healed(native.space, native.seq, native.bucket, native.documents.map(::nameOf), native.count)
        is NativeEvent.Disconnected -> Event.Disconnected(native.detail)
    }
