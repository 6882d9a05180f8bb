// Wrapped keys on a simulated Android: what is stored comes back, and nothing else is believed.

package dev.veilfold.android

import dev.veilfold.KeyStoreException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import java.security.InvalidKeyException
import java.security.UnrecoverableKeyException
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [24], manifest = Config.NONE)
class WrappedRootsTest {
    private val folder = folder(RuntimeEnvironment.getApplication())
    private val root = ByteArray(32) { it.toByte() }
    private val key: SecretKey = SecretKeySpec(ByteArray(32) { 7 }, "AES")
    private val roots = WrappedRoots(folder) { key }

    @Test
    fun whatIsStoredComesBackAndIsNotReadable() {
        assertNull(roots.load("alice"))
        roots.store("alice", root)
        assertArrayEquals(root, roots.load("alice"))
        val file = File(folder, "alice.root")
        assertEquals(1 + 12 + 32 + 16, file.length().toInt())
        assertFalse(String(root, Charsets.ISO_8859_1) in file.readText(Charsets.ISO_8859_1))
        roots.store("alice", root.reversedArray())
        assertArrayEquals(root.reversedArray(), roots.load("alice"))
        roots.delete("alice")
        assertNull(roots.load("alice"))
    }

    @Test
    fun everyChangedByteIsNoticed() {
        roots.store("alice", root)
        val file = File(folder, "alice.root")
        val bytes = file.readBytes()
        for (at in bytes.indices) {
            file.writeBytes(bytes.clone().also { it[at] = (it[at] + 1).toByte() })
            assertDamaged(roots, "alice")
        }
        for (size in listOf(0, 5, 1 + 12 + 5)) {
            file.writeBytes(bytes.copyOf(size))
            assertDamaged(roots, "alice")
        }
        file.writeBytes(bytes)
        file.copyTo(File(folder, "bob.root"))
        assertDamaged(roots, "bob")
    }

    @Test
    fun aKeyThatIsGoneIsALostRoot() {
        roots.store("alice", root)
        assertDamaged(WrappedRoots(folder) { null }, "alice")
        assertDamaged(WrappedRoots(folder) { SecretKeySpec(ByteArray(32), "AES") }, "alice")
    }

    @Test
    fun aKeystoreThatIsBusyIsNotALostRoot() {
        roots.store("alice", root)
        val busy = WrappedRoots(folder) { throw UnrecoverableKeyException("busy") }
        assertThrows(UnrecoverableKeyException::class.java) { busy.load("alice") }
        assertArrayEquals(root, roots.load("alice"))
        // Its key is one that this cipher does not take.
        val other = WrappedRoots(folder) { SecretKeySpec(ByteArray(5), "AES") }
        assertThrows(InvalidKeyException::class.java) { other.load("alice") }
    }

    @Test
    fun theFolderIsNotBackedUp() {
        assertEquals(RuntimeEnvironment.getApplication().noBackupFilesDir, folder.parentFile)
    }

    private fun assertDamaged(roots: WrappedRoots, id: String) {
        val error = assertThrows(KeyStoreException::class.java) { roots.load(id) }
        assertEquals(KeyStoreException.Reason.DAMAGED, error.reason)
    }
}
