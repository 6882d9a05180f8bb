// A resolver that adds, and counts how often it is called.

package dev.veilfold.player

import dev.veilfold.Document
import dev.veilfold.Refusal
import dev.veilfold.Resolver
import dev.veilfold.get
import dev.veilfold.integer
import dev.veilfold.resolver
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import java.util.concurrent.atomic.AtomicLong

class Counted {
    private val calls = AtomicLong()

    val resolver: Resolver =
        resolver("counted") { document, call ->
            calls.incrementAndGet()
            val by = call.args.integer ?: throw Refusal("no number")
            Document(call.document, "n" to (document?.get("n").integer ?: 0) + by)
        }

    fun json(): JsonElement = result("calls" to JsonPrimitive(calls.get()), "crossings" to JsonNull)
}
