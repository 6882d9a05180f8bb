// A process that exits while a resolver of its own never answers.

package dev.veilfold.testing

import dev.veilfold.Document
import dev.veilfold.Veilfold
import dev.veilfold.resolver
import kotlinx.coroutines.runBlocking
import java.util.concurrent.CountDownLatch
import kotlin.system.exitProcess

fun main(arguments: Array<String>): Unit = runBlocking<Unit> {
    val begun = CountDownLatch(1)
    val busy =
        resolver("c") { _, call ->
            if (call.position != null) {
                begun.countDown()
                while (true) Thread.onSpinWait()
            }
            Document(call.document)
        }
    val relay = Relay.start()
    val client = Veilfold.open(arguments[0], relay.url, resolvers = listOf(busy))
    client.createSpace().collection("c").call("a", "do")
    begun.await()
    relay.close()
    exitProcess(7)
}
