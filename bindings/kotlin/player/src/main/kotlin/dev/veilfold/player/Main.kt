// The Kotlin player: drives the public package by orders on standard input, one JSON object a line, and
// answers each with one line. Rust, Swift and Python have players of the same orders; `tests/players`
// gives all of them the same scripts.

package dev.veilfold.player

import dev.veilfold.Value
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import dev.veilfold.toJson
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.jsonObject
import java.io.PrintStream

private val devices = HashMap<String, Device>()
private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

fun main() {
    val answers = PrintStream(System.out, true, Charsets.UTF_8)
    for (line in System.`in`.bufferedReader(Charsets.UTF_8).lineSequence()) {
        val order = Order(Json.parseToJsonElement(line).jsonObject)
        val answer =
            try {
                result("ok" to runBlocking { obey(order) })
            } catch (error: VeilfoldException) {
                failed(kind(error), error.code)
            } catch (error: IllegalStateException) {
                failed("invalid", "bad_order").also { System.err.println(error.message) }
            }
        answers.println(answer.toString())
    }
}

private suspend fun obey(order: Order): JsonElement =
    when (order.text("do")) {
        "codec" -> {
            val value = Value.fromJson(order.text("json"))
            result("typed" to typed(value), "json" to string(value.toJson()))
        }
        "open" -> {
            val counted = Counted()
            val brought = if (order.flag("resolver")) listOf(counted.resolver) else emptyList()
            val (path, relay) = order.text("path") to order.textOrNull("relay")
            val client = Veilfold.open(path, relay, order.text("name"), resolvers = brought)
            devices[order.text("as")] = Device(client, client.spaces().firstOrNull(), scope, counted)
            JsonNull
        }
        else -> (devices[order.text("as")] ?: error("nobody is called that")).obey(order)
    }

private fun failed(kind: String, code: String) = result("error" to result("kind" to string(kind), "code" to string(code)))

/** `NotAllowed` is `not_allowed`. */
private fun kind(error: VeilfoldException): String =
    error.javaClass.simpleName.replace(Regex("(?<=[a-z])(?=[A-Z])"), "_").lowercase()
