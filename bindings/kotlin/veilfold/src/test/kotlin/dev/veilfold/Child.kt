// A process of its own for tests: opens a store, or ends in some way while subscriptions run.

package dev.veilfold

import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.launchIn
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.File
import kotlin.system.exitProcess

fun main(arguments: Array<String>) {
    val (what, folder) = arguments
    if (what == "open") return println(opened(folder))
    runBlocking { run(folder) }
    println("running")
    System.out.flush()
    when (what) {
        "exit" -> exitProcess(3)
        "halt" -> Runtime.getRuntime().halt(3)
    }
}

private fun opened(folder: String): String =
    try {
        runBlocking { Veilfold.open(store(File(folder))).use { "opened" } }
    } catch (error: VeilfoldException) {
        error.code
    }

@OptIn(DelicateCoroutinesApi::class)
private suspend fun run(folder: String) {
    val alice = Veilfold.open(store(File(folder), "child"))
    val space = alice.createSpace()
    val c = space.collection("c")
    val seen = Channel<Unit>(Channel.CONFLATED)
    repeat(20) { c.live().onEach { seen.send(Unit) }.launchIn(GlobalScope) }
    GlobalScope.launch { alice.events().collect() }
    GlobalScope.launch { while (true) c.increment("a", "n") }
    space.status.value
    repeat(50) { seen.receive() }
}
