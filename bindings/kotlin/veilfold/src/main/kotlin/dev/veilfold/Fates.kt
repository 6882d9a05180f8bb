// What became of a write.

package dev.veilfold

import dev.veilfold.ffi.Fate as NativeFate
import dev.veilfold.ffi.Receipt as NativeReceipt
import dev.veilfold.ffi.SettledFate as NativeSettled

/**
 * A place in the order.
 *
 * @property seq The entry's number, from 1.
 * @property index The write's place in that entry.
 */
public data class Position(val seq: Long, val index: Long)

/** What became of a write. */
public sealed interface Fate {
    /** The order does not contain it yet. */
    public data object Pending : Fate

    /** A fate that nothing will change any more. */
    public sealed interface Settled : Fate

    /** Every device has it, at this position. */
    public data class Confirmed(val position: Position) : Settled

    /**
     * Every device left it out.
     *
     * @property reason A stable code, for instance `read_changed`.
     * @property collection The collection that it is about, if it is about one.
     * @property document The id of the document that it is about, if it is about one.
     */
    public data class Rejected(
        val reason: String,
        val detail: String,
        val position: Position,
        val collection: String?,
        val document: String?,
    ) : Settled

    /**
     * It never entered the order.
     *
     * @property reason A stable code, for instance `not_allowed`.
     */
    public data class Refused(val reason: String, val detail: String) : Settled
}

/**
 * A write that this device keeps, and the way to ask for its fate.
 *
 * Asking takes nothing away; dropping it changes nothing.
 */
public class Receipt internal constructor(private val native: NativeReceipt) {
    /** The write's id, 16 hex digits. Kept by the app, it finds the fate again: [Space.receipt]. */
    public val txId: String by lazy { told { native.txId() } }

    /** Ids of the list elements that the write made, in the order in which it made them. */
    public val elements: List<String> by lazy { told { native.elements() } }

    /**
     * What became of it so far.
     *
     * @throws VeilfoldException.Invalid with `fate_forgotten` when it is unknown here or was settled
     *   more than 10,000 writes ago.
     */
    public suspend fun fate(): Fate = fateOf(answered { native.fate().fate() })

    /**
     * Waits until nothing will change the fate any more, which may take as long as the device is
     * offline. Cancelling ends the waiting and nothing else.
     *
     * @throws VeilfoldException.Invalid as [fate], and with `closed` when the client is closed meanwhile.
     */
    public suspend fun settled(): Fate.Settled = settledOf(answered { native.settled().fate() })

    /** How many transactions were tried for it so far; more than 1 only for a [Mutator]. Throws as [fate]. */
    public suspend fun attempts(): Long = answered { native.attempts().number() }

    override fun toString(): String = "Receipt($txId)"
}

/**
 * A write's fate, as [Space.fates] tells it.
 *
 * @property txId The id on its receipt.
 * @property attempts How many transactions were tried for it; more than 1 only for a [Mutator].
 * @property mutator The name of the mutator that made it, if one did.
 * @property missed How many fates before this one were forgotten, because nobody had taken them and 10,000
 *   newer ones came.
 */
public data class SettledFate(
    val txId: String,
    val fate: Fate.Settled,
    val attempts: Long,
    val mutator: String?,
    val missed: Long,
)

internal fun settledFateOf(native: NativeSettled, missed: Long): SettledFate =
    SettledFate(native.txId, settledOf(native.fate), native.attempts, native.mutator, missed)

private fun settledOf(native: NativeFate): Fate.Settled =
    fateOf(native) as? Fate.Settled
        ?: throw VeilfoldException.Internal("internal", "a settled fate is not pending")

internal fun fateOf(native: NativeFate): Fate =
    when (native) {
        NativeFate.Pending -> Fate.Pending
        is NativeFate.Confirmed -> Fate.Confirmed(Position(native.seq, native.index))
        is NativeFate.Rejected -> {
            val position = Position(native.seq, native.index)
            Fate.Rejected(native.code, native.detail, position, native.collection, native.document)
        }
        is NativeFate.Refused -> Fate.Refused(native.code, native.detail)
    }
