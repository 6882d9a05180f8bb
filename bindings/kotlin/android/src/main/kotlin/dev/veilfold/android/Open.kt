// Opening a client where Android keeps what must not leave the device.

package dev.veilfold.android

import android.content.Context
import dev.veilfold.Client
import dev.veilfold.Durability
import dev.veilfold.KeyStore
import dev.veilfold.Mutator
import dev.veilfold.AnyResolver
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File

/**
 * Opens the device whose store is called [name], or makes a new one, with its root key wrapped by a key
 * of the Android Keystore. Works offline.
 *
 * Both lie in the app's no-backup folder: a copy of them on another device would be a device that
 * pretends to be this one. Nothing runs on the main thread.
 *
 * @param name A file name, for instance `alice.db`.
 * @param relay `wss://…`; one can be named later with [Client.setRelay]. Its certificate has to lead to a root that
 *   comes with the system: those that the user installed and the app's network security configuration are not
 *   asked, and revocation is not checked.
 * @param displayName What other members see in spaces that this device founds.
 * @param keyStore Keeps the root key; without one, an [AndroidKeyStore] does.
 * @param mutators Those that `Space.mutate` may name; they are run again while the client is open.
 * @param resolvers The app's own for its collections, in all their versions.
 * @param appVersion The app's version; without one, the `versionCode` of the app's package.
 * @throws VeilfoldException as [Veilfold.open] on the JVM; `NotAllowed` with `vault_locked` while the
 *   device is locked and the key asks for its being unlocked.
 */
public suspend fun Veilfold.open(
    context: Context,
    name: String,
    relay: String? = null,
    displayName: String = "",
    durability: Durability = Durability.PROCESS,
    keyStore: KeyStore? = null,
    mutators: List<Mutator<*>> = emptyList(),
    resolvers: List<AnyResolver> = emptyList(),
    appVersion: String? = null,
): Client {
    // Asking Android for its folders makes them, and asking for a version may wait for another process.
    val (path, version) =
        withContext(Dispatchers.IO) { File(folder(context), name).path to (appVersion ?: versionCode(context)) }
    return open(path, relay, displayName, durability, keyStore ?: AndroidKeyStore(context), mutators, resolvers, version)
}

@Suppress("DEPRECATION") // Its successor came with Android 9.
private fun versionCode(context: Context): String =
    context.packageManager.getPackageInfo(context.packageName, 0).versionCode.toString()

/** The folder of all stores and wrapped keys. */
internal fun folder(context: Context): File = File(context.noBackupFilesDir, "veilfold").apply { mkdirs() }
