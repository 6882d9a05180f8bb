// The root key, wrapped by a key that never leaves the device's secure hardware.

package dev.veilfold.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import android.security.keystore.UserNotAuthenticatedException
import android.util.AtomicFile
import dev.veilfold.KeyStore
import dev.veilfold.KeyStoreException
import java.io.File
import java.io.FileNotFoundException
import javax.crypto.AEADBadTagException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

private const val PROVIDER = "AndroidKeyStore"
private const val ALIAS = "dev.veilfold.root"
private const val CIPHER = "AES/GCM/NoPadding"
private const val VERSION: Byte = 1
private const val IV_BYTES = 12
private const val TAG_BITS = 128
private const val KEY_BITS = 256

/**
 * Keeps root keys in the app's no-backup folder, each wrapped by AES-256-GCM with a key of the Android
 * Keystore. Used by [open] unless another one is given.
 */
public class AndroidKeyStore(context: Context) : KeyStore {
    // Its folder is made when it is first asked, which is off the main thread.
    private val wrapped by lazy { WrappedRoots(folder(context), ::wrappingKey) }

    override fun loadRoot(id: String): ByteArray? = wrapped.load(id)

    override fun storeRoot(id: String, root: ByteArray): Unit = wrapped.store(id, root)

    override fun deleteRoot(id: String): Unit = wrapped.delete(id)
}

/** The files, for any key: the key store of a device needs its hardware, the rest does not. */
internal class WrappedRoots(private val folder: File, private val key: (make: Boolean) -> SecretKey?) {
    fun load(id: String): ByteArray? {
        val bytes =
            try {
                file(id).readFully()
            } catch (_: FileNotFoundException) {
                return null
            }
        if (bytes.size <= 1 + IV_BYTES + TAG_BITS / 8 || bytes[0] != VERSION) throw damaged(null)
        return wrapping {
            // Without its key, what is wrapped is lost.
            val key = key(false) ?: throw damaged(null)
            val cipher = Cipher.getInstance(CIPHER)
            cipher.init(Cipher.DECRYPT_MODE, key, GCMParameterSpec(TAG_BITS, bytes, 1, IV_BYTES))
            cipher.updateAAD(id.toByteArray())
            cipher.doFinal(bytes, 1 + IV_BYTES, bytes.size - 1 - IV_BYTES)
        }
    }

    fun store(id: String, root: ByteArray) {
        val bytes =
            wrapping {
                val cipher = Cipher.getInstance(CIPHER)
                cipher.init(Cipher.ENCRYPT_MODE, key(true))
                cipher.updateAAD(id.toByteArray())
                check(cipher.iv.size == IV_BYTES)
                byteArrayOf(VERSION) + cipher.iv + cipher.doFinal(root)
            }
        val file = file(id)
        val stream = file.startWrite()
        try {
            stream.write(bytes)
        } catch (error: Exception) {
            file.failWrite(stream)
            throw error
        }
        // Waits for the disk, so that a power cut does not take it.
        file.finishWrite(stream)
    }

    fun delete(id: String): Unit = file(id).delete()

    private fun file(id: String) = AtomicFile(File(folder, "$id.root"))

    private inline fun <T> wrapping(work: () -> T): T =
        try {
            work()
        } catch (error: UserNotAuthenticatedException) {
            throw KeyStoreException(KeyStoreException.Reason.LOCKED, error)
        } catch (error: KeyPermanentlyInvalidatedException) {
            throw damaged(error)
        } catch (error: AEADBadTagException) {
            throw damaged(error)
        }
        // Whatever else the Keystore says, for instance that it is busy, may be otherwise next time.

    private fun damaged(cause: Throwable?) = KeyStoreException(KeyStoreException.Reason.DAMAGED, cause)
}

private val making = Any()

/**
 * The key of this app in the Android Keystore, made when it is asked for.
 *
 * One at a time: of two that find none, the second would replace the key with which the first wraps a root.
 */
private fun wrappingKey(make: Boolean): SecretKey? = synchronized(making) { foundOrMade(make) }

private fun foundOrMade(make: Boolean): SecretKey? {
    val store = java.security.KeyStore.getInstance(PROVIDER).apply { load(null) }
    val found = store.getKey(ALIAS, null) as SecretKey?
    if (found != null || !make) return found
    val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
    val spec =
        KeyGenParameterSpec.Builder(ALIAS, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BITS)
            .build()
    val generator = KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, PROVIDER)
    generator.init(spec)
    return generator.generateKey()
}
