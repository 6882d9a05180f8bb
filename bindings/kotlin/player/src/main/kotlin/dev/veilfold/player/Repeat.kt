// The same call many times, for measuring what crossing the border costs.

package dev.veilfold.player

import dev.veilfold.Document
import dev.veilfold.Space
import kotlinx.coroutines.flow.first
import kotlin.time.DurationUnit
import kotlin.time.measureTime

/** Gives the seconds that it took. */
suspend fun repeated(space: Space, order: Order): Double {
    val items = space.collection("crossing")
    val times = order.long("times").toInt()
    val took =
        measureTime {
            when (val call = order.text("call")) {
                "id" -> repeat(times) { space.receipt("0".repeat(16)) }
                "get" -> repeat(times) { items.get("0") }
                "put" ->
                    repeat(times) {
                        val n = it % 10_000
                        items.put(Document("$n", "n" to n, "title" to "a title", "done" to false))
                    }
                "call" -> {
                    val counted = space.collection("counted")
                    repeat(times) { counted.call("${it % 100}", "add", 1) }
                }
                "rows" -> repeat(times) { items.live().first() }
                "watch" -> repeat(times) { items.liveDocument("0").first() }
                else -> error("no such call: $call")
            }
        }
    return took.toDouble(DurationUnit.SECONDS)
}
