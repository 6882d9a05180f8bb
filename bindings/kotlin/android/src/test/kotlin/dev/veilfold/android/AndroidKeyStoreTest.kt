// The key store of a device over a Keystore without hardware: one key for all, asked for off the main thread.

package dev.veilfold.android

import android.content.Context
import android.content.ContextWrapper
import android.content.pm.PackageManager
import dev.veilfold.Veilfold
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import java.util.concurrent.BrokenBarrierException
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [24], manifest = Config.NONE)
class AndroidKeyStoreTest {
    private val provider = SoftKeystore()

    @Before
    fun replaceTheHardware() {
        held = null
        whenAsked = {}
        Security.addProvider(provider)
    }

    @After
    fun takeItAway() = Security.removeProvider(provider.name)

    @Test
    fun twoFirstOpensShareOneKey() {
        val meeting = CyclicBarrier(2)
        // Both have found no key before either makes one, if they can be here at the same time.
        whenAsked = {
            try {
                meeting.await(500, TimeUnit.MILLISECONDS)
            } catch (_: TimeoutException) {
                // The other one has to wait.
            } catch (_: BrokenBarrierException) {
                // It came later.
            }
        }
        val roots = List(2) { n -> ByteArray(32) { n.toByte() } }
        val threads = Executors.newFixedThreadPool(2)
        val stored =
            roots.mapIndexed { n, root ->
                threads.submit { AndroidKeyStore(RuntimeEnvironment.getApplication()).storeRoot("device$n", root) }
            }
        stored.forEach { it.get() }
        threads.shutdown()
        roots.forEachIndexed { n, root ->
            assertArrayEquals(root, AndroidKeyStore(RuntimeEnvironment.getApplication()).loadRoot("device$n"))
        }
    }

    @Test
    fun nothingIsAskedOfAndroidOnTheMainThread() = runBlocking {
        val app = Watched(RuntimeEnvironment.getApplication())
        Veilfold.open(app, "alice.db").use { it.createSpace() }
        assertEquals(listOf(false), app.askedBy.map { it == Thread.currentThread() }.distinct())
        assertTrue(File(app.noBackupFilesDir, "veilfold").list().orEmpty().any { it.endsWith(".root") })
        Veilfold.open(app, "alice.db").use { assertEquals(1, it.spaces().size) }
    }
}

/** Remembers which threads make it wait for the disk or for Android. */
private class Watched(context: Context) : ContextWrapper(context) {
    val askedBy: MutableList<Thread> = Collections.synchronizedList(ArrayList())

    override fun getNoBackupFilesDir(): File {
        askedBy.add(Thread.currentThread())
        return super.getNoBackupFilesDir()
    }

    override fun getPackageManager(): PackageManager {
        askedBy.add(Thread.currentThread())
        return super.getPackageManager()
    }
}

@Volatile
private var held: SecretKey? = null

@Volatile
private var whenAsked: () -> Unit = {}

/** The Android Keystore with one key in memory. */
@Suppress("DEPRECATION") // Android 7 has no other constructor.
private class SoftKeystore : Provider("AndroidKeyStore", 1.0, "a key in memory") {
    init {
        put("KeyStore.AndroidKeyStore", SoftKeys::class.java.name)
        put("KeyGenerator.AES", SoftGenerator::class.java.name)
    }
}

class SoftGenerator : KeyGeneratorSpi() {
    override fun engineGenerateKey(): SecretKey =
        SecretKeySpec(ByteArray(32).also(SecureRandom()::nextBytes), "AES").also { held = it }

    override fun engineInit(spec: AlgorithmParameterSpec?, random: SecureRandom?) = Unit

    override fun engineInit(random: SecureRandom?) = Unit

    override fun engineInit(size: Int, random: SecureRandom?) = Unit
}

class SoftKeys : KeyStoreSpi() {
    override fun engineGetKey(alias: String, password: CharArray?): Key? = held.also { whenAsked() }

    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

    override fun engineContainsAlias(alias: String) = held != null

    override fun engineSize() = if (held == null) 0 else 1

    override fun engineAliases(): Enumeration<String> = Collections.emptyEnumeration()

    override fun engineIsKeyEntry(alias: String) = held != null

    override fun engineIsCertificateEntry(alias: String) = false

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCertificateAlias(certificate: Certificate): String? = null

    override fun engineGetCreationDate(alias: String): Date? = null

    override fun engineSetKeyEntry(alias: String, key: Key, password: CharArray?, chain: Array<Certificate>?) = Unit

    override fun engineSetKeyEntry(alias: String, key: ByteArray, chain: Array<Certificate>?) = Unit

    override fun engineSetCertificateEntry(alias: String, certificate: Certificate) = Unit

    override fun engineDeleteEntry(alias: String) = Unit

    override fun engineStore(stream: OutputStream?, password: CharArray?) = Unit
}
