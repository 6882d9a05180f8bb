// A shared shopping list in the terminal: `list STORE [RELAY]`, then one command a line.

package dev.veilfold.examples.list

import dev.veilfold.Client
import dev.veilfold.Veilfold
import dev.veilfold.VeilfoldException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.BufferedReader
import java.io.PrintStream

suspend fun main(arguments: Array<String>) {
    if (arguments.isEmpty()) return println("list STORE [RELAY]")
    Veilfold.open(arguments[0], arguments.getOrNull(1)).use { run(it, System.`in`.bufferedReader(), System.out) }
}

/** Does what the lines say until they end, and shows the list as it changes. */
suspend fun run(client: Client, lines: BufferedReader, output: PrintStream) = coroutineScope {
    var list: ShoppingList? = null
    var showing = launch { }
    fun show(shown: ShoppingList) {
        list = shown
        showing.cancel()
        showing = launch { combine(shown.rows, shown.offline, ::text).distinctUntilChanged().collect(output::println) }
    }
    while (true) {
        val line = withContext(Dispatchers.IO) { lines.readLine() } ?: break
        val (command, rest) = line.trim().split(' ', limit = 2) + ""
        try {
            when (command) {
                "card" -> output.println("card ${client.contactCard("me")}")
                "join" -> show(ShoppingList.joined(client, rest))
                else -> {
                    val own = list ?: ShoppingList.of(client).also(::show)
                    when (command) {
                        "add" -> own.add(rest)
                        "buy" -> own.buy(rest)
                        "invite" -> output.println("ticket ${own.invite(rest)}")
                        else -> output.println("add NAME, buy NAME, card, invite CARD, join TICKET")
                    }
                }
            }
        } catch (error: VeilfoldException) {
            output.println(error.detail)
        }
    }
    showing.cancel()
}

private fun text(rows: List<Item>, offline: Boolean): String {
    val items = rows.joinToString { (if (it.done) "[x] " else "[ ] ") + "${it.qty} ${it.id}" }
    return if (offline) "$items (offline)" else items
}
