// What apps bring: the platform's key store.

package dev.veilfold

import dev.veilfold.ffi.KeyStore as NativeKeyStore
import dev.veilfold.ffi.KeyStoreException as NativeKeyStoreException

/**
 * Where the device's root key lies, when it is not to be a file beside the store.
 *
 * Called while a client opens, in a thread of Veilfold's own, never on the main thread; may block, for
 * instance while the user unlocks the device. `id` names the store: 1 to 64 letters, digits, `-`, `_` and
 * `.`. What it throws comes out of [Veilfold.open]: a [KeyStoreException] as `NotAllowed` with `vault_locked`
 * or as `Corrupt`, anything else as `Corrupt` with `vault_failed` and without its text.
 */
public interface KeyStore {
    /** The 32 bytes of that id, `null` when none were stored. */
    public fun loadRoot(id: String): ByteArray?

    /** Stores them, replacing what is there; they survive a power cut then. */
    public fun storeRoot(id: String, root: ByteArray)

    /** Deletes them if they are there. */
    public fun deleteRoot(id: String)
}

/** Why a key store could not do it, where the reason is known. */
public class KeyStoreException(public val reason: Reason, cause: Throwable? = null) : Exception(reason.name, cause) {
    /** What a key store may say. */
    public enum class Reason {
        /** No key is given out until the device is unlocked; trying again helps. */
        LOCKED,

        /** There is a root but it cannot be used. */
        DAMAGED,
    }
}

/**
 * An app's key store behind a net: what it throws may hold anything and is not passed on, and an
 * `Error` would otherwise look like success.
 */
internal class GuardedKeyStore(private val store: KeyStore) : NativeKeyStore {
    override fun loadRoot(id: String): ByteArray? = guarded { store.loadRoot(id) }

    override fun storeRoot(id: String, root: ByteArray) = guarded { store.storeRoot(id, root) }

    override fun deleteRoot(id: String) = guarded { store.deleteRoot(id) }

    private inline fun <T> guarded(call: () -> T): T =
        try {
            call()
        } catch (error: KeyStoreException) {
            throw when (error.reason) {
                KeyStoreException.Reason.LOCKED -> NativeKeyStoreException.Locked()
                KeyStoreException.Reason.DAMAGED -> NativeKeyStoreException.Damaged()
            }
        } catch (error: Throwable) {
            throw NativeKeyStoreException.Failed(error.javaClass.simpleName)
        }
}
