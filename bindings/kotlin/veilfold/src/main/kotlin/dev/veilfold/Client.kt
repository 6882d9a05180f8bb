// The client: one device with all its spaces, and how it is opened.

package dev.veilfold

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.withContext
import java.io.Closeable
import java.io.File
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import dev.veilfold.ffi.openClient
import dev.veilfold.ffi.Client as NativeClient
import dev.veilfold.ffi.ClientConfig as NativeConfig
import dev.veilfold.ffi.RetryStream as NativeRetries
import dev.veilfold.ffi.Space as NativeSpace

private const val CLOSING_MS = 10_000u

/** What a write has survived when its call returns. */
public enum class Durability {
    /** A killed process. */
    PROCESS,

    /** A power cut. */
    POWER,
}

/** End-to-end encrypted, offline-first shared documents. */
public object Veilfold {
    /**
     * Opens the device whose store is the file [path], or makes a new one there.
     *
     * With a relay (`wss://…` or `ws://…`) it starts to connect and goes on trying; being offline is no
     * error. Without one it works on this device alone; one can be named later.
     *
     * Cancelled, it ends when the store is released again, so that it can be opened at once.
     *
     * @param name What other members see in spaces that it founds.
     * @param keyStore Keeps the root key; without one it lies in a file beside the store.
     * @param mutators Those that [Space.mutate] may name; they are run again while the client is open.
     * @param resolvers The app's own for its collections, functions and modules, in all their versions.
     * @param appVersion The app's version, on Android its `versionCode`. When another writer's documents differ
     *   from this device's, each version folds the log again at most once.
     * @throws VeilfoldException.Invalid when the store is open already, here or in another process
     *   (`store_in_use`).
     * @throws VeilfoldException.Corrupt for a damaged store or a lost key (`keys_lost`).
     * @throws VeilfoldException.NewerVersion for a store that a newer version has written.
     */
    public suspend fun open(
        path: String,
        relay: String? = null,
        name: String = "",
        durability: Durability = Durability.PROCESS,
        keyStore: KeyStore? = null,
        mutators: List<Mutator<*>> = emptyList(),
        resolvers: List<AnyResolver> = emptyList(),
        appVersion: String = "",
    ): Client {
        val known = Mutators(mutators)
        val config = NativeConfig(relay, name, durability == Durability.POWER, null, appVersion)
        val guarded = keyStore?.let(::GuardedKeyStore)
        // What opens a store goes on without its caller, so there is no giving up before it has.
        val native =
            withContext(NonCancellable) {
                answered { nativeResolvers(resolvers).use { openClient(path, config, guarded, it).client() } }
            }
        try {
            currentCoroutineContext().ensureActive()
            return Client(native, name, known, opened { native.retries().retries() })
        } catch (error: Throwable) {
            withContext(NonCancellable) { runCatching { answered { native.use { it.shutdown().done() } } } }
            throw error
        }
    }

    /** The same for a file at hand. */
    public suspend fun open(
        file: File,
        relay: String? = null,
        name: String = "",
        durability: Durability = Durability.PROCESS,
        keyStore: KeyStore? = null,
        mutators: List<Mutator<*>> = emptyList(),
        resolvers: List<AnyResolver> = emptyList(),
        appVersion: String = "",
    ): Client = open(file.path, relay, name, durability, keyStore, mutators, resolvers, appVersion)
}

/**
 * One device with all its spaces, over one store and at most one connection.
 *
 * Everything is kept and shown on this device first; the relay is only needed for others to see it.
 * Usable from any thread. A client that is dropped without being closed is closed by the garbage
 * collector, unless one of its streams is still being collected.
 */
public class Client internal constructor(
    private val native: NativeClient,
    private val name: String,
    private val mutators: Mutators,
    retries: NativeRetries,
) : Closeable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val spaces = ConcurrentHashMap<String, Space>()

    init {
        scope.runAgain(retries, mutators)
    }

    /** Founds a space whose only member is this device. Works offline. The name is this device's own. */
    public suspend fun createSpace(name: String = ""): Space = spaceOf { native.createSpace(name).space() }

    /** The spaces of this device. */
    public suspend fun spaces(): List<Space> = answered { native.spaces().spaces() }.map { spaces[it.id] ?: space(it.id) }

    /** A space of this device. Throws [VeilfoldException.Invalid] for one that it does not have. */
    public suspend fun space(id: String): Space = spaceOf { native.space(id).space() }

    /**
     * Makes a contact card: a text to be handed to a member, who adds it to one space.
     *
     * @param name What members will see, by default the client's.
     */
    public suspend fun contactCard(name: String? = null): String = answered { native.contactCard(name ?: this.name).text() }

    /**
     * Joins the space that a ticket names, under a name of this device's own. Works offline; the
     * documents come with the connection.
     */
    public suspend fun join(ticket: String, name: String = ""): Space = spaceOf { native.join(ticket, name).space() }

    /** Names the relay and connects to it; `null` goes offline. Everything written so far syncs. */
    public suspend fun setRelay(url: String?): Unit = answered { native.setRelay(url).done() }

    /** The relay's address. */
    public suspend fun relay(): String? = answered { native.relay().textOrNull() }

    /** Wants a connection, at once instead of at the next attempt. Returns before it is up. */
    public suspend fun connect(): Unit = answered { native.connect().done() }

    /**
     * Connects, waits at most [timeout] until every space has sent and fetched everything, and goes offline
     * again if it was before. `false`: not everything, and it goes on with the next connection.
     *
     * @throws VeilfoldException.Offline without a relay.
     * @throws VeilfoldException.RelayMisbehaved when the relay was caught.
     */
    public suspend fun syncOnce(timeout: Duration): Boolean =
        answered { native.syncOnce(timeout.inWholeMilliseconds.coerceAtLeast(0).toULong()).flag() }

    /** Goes offline until [connect]. */
    public suspend fun disconnect(): Unit = answered { native.disconnect().done() }

    /** How it stands with the relay, and every space. Does not wait for the relay. */
    public suspend fun status(): ClientStatus = statusOf(answered { native.status().clientStatus() })

    /**
     * What happens from the start of the collection on that no call waits for: a relay that misbehaves,
     * lost connections, a full disk. The first collection begins with what happened since the client was
     * opened. Completes when the client closes.
     */
    public fun events(): Flow<Event> = events { native.events().events() }

    /**
     * Closes the client: streams end, waiting calls throw [VeilfoldException.Invalid] with `closed`, the
     * store is released. What the relay does not have yet is sent after the next opening. Closing twice
     * is no error. [close] does the same and blocks its caller for that moment.
     */
    public suspend fun shutdown() {
        answered { native.shutdown().done() }
        scope.cancel()
    }

    /** As [shutdown], for `use` and for code that cannot suspend: blocks, for milliseconds as a rule. */
    override fun close() {
        told { native.closeBlocking(CLOSING_MS) }
        scope.cancel()
    }

    private suspend fun spaceOf(call: suspend () -> NativeSpace): Space {
        val found = opened(call)
        var made: Space? = null
        try {
            val id = told { found.id() }
            return spaces[id] ?: run {
                val status = followed(scope) { found.statusStream().statuses() }
                val new = Space(found, id, told { found.name() }, status, mutators)
                spaces.putIfAbsent(id, new) ?: new.also { made = it }
            }
        } finally {
            if (made == null) found.close()
        }
    }
}
