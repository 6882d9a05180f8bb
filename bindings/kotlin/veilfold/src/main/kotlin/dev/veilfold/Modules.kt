// Resolvers compiled to WebAssembly: the same bytes on every platform.

package dev.veilfold

import java.nio.ByteBuffer

/** What governs a collection in one version: a [Resolver] of this app's language, or a [Module]. */
public sealed interface AnyResolver {
    /** The collection. */
    public val collection: String

    /** The version, from 1. */
    public val version: Long
}

/**
 * One version of a resolver that is compiled to WebAssembly, and so the same on every platform.
 *
 * ```
 * val gigs = Module("gigs", File("gigs.wasm").readBytes(), version = 2)
 * val client = Veilfold.open("alice.db", resolvers = listOf(gigs))
 * val receipt = space.collection("gigs").call("tonight", "buy", 2)
 * ```
 *
 * The space pins it by its bytes: a device that has other bytes of a version holds (`update_required`). Works
 * offline, and runs on a thread of Veilfold's own; old versions stay in the list given to [Veilfold.open], which
 * throws [VeilfoldException.Invalid] for bytes that are no resolver (`bad_module`), and where the library was
 * built without WebAssembly (`no_wasm`).
 *
 * @param wasm The module; read when a client is opened with it.
 */
public class Module(
    override val collection: String,
    private val wasm: ByteArray,
    override val version: Long = 1,
) : AnyResolver {
    /** Where the native side can read it; a copy leaves the position at its start. */
    internal fun direct(): ByteBuffer = ByteBuffer.allocateDirect(wasm.size).also { it.duplicate().put(wasm) }

    override fun toString(): String = "Module($collection, version = $version)"
}
