// Orders that write: alone, each with its receipt, and inside a transaction.

package dev.veilfold.player

import dev.veilfold.Collection
import dev.veilfold.Condition
import dev.veilfold.Document
import dev.veilfold.Receipt
import dev.veilfold.Transaction
import dev.veilfold.Value

suspend fun write(items: Collection<Document>, order: Order): Receipt {
    val id = order.text("id")
    val path = order.textOrNull("path").orEmpty()
    return when (val call = order.text("call")) {
        "create" -> items.create(order.document())
        "put" -> items.put(order.document())
        "merge" -> items.merge(id, order.document().fields.fields, path)
        "set" -> items.set(id, path, order.value())
        "unset" -> items.unset(id, path)
        "increment" -> items.increment(id, path, order.long("by"))
        "delete" -> items.delete(id)
        "list_append" -> items.listAppend(id, path, order.value())
        "list_insert" -> items.listInsert(id, path, order.value(), order.textOrNull("after"), order.textOrNull("before"))
        "list_move" ->
            items.listMove(id, path, order.text("element"), order.textOrNull("after"), order.textOrNull("before"))
        "list_remove" -> items.listRemove(id, path, order.text("element"))
        "set_add" -> items.setAdd(id, path, order.value())
        "set_remove" -> items.setRemove(id, path, order.value())
        "text_create" -> items.textCreate(id, path, order.text("text"))
        "text_edit" -> items.textEdit(id, path, order.splices())
        else -> error("no such call: $call")
    }
}

fun Transaction.write(items: Collection<Document>, order: Order) {
    val id = order.text("id")
    val path = order.textOrNull("path").orEmpty()
    when (val call = order.text("call")) {
        "create" -> create(items, order.document())
        "put" -> put(items, order.document())
        "merge" -> merge(items, id, order.document().fields.fields, path)
        "set" -> set(items, id, path, order.value())
        "unset" -> unset(items, id, path)
        "increment" -> increment(items, id, path, order.long("by"))
        "delete" -> delete(items, id)
        "list_append" -> listAppend(items, id, path, order.value())
        "list_insert" -> listInsert(items, id, path, order.value(), order.textOrNull("after"), order.textOrNull("before"))
        "list_move" ->
            listMove(items, id, path, order.text("element"), order.textOrNull("after"), order.textOrNull("before"))
        "list_remove" -> listRemove(items, id, path, order.text("element"))
        "set_add" -> setAdd(items, id, path, order.value())
        "set_remove" -> setRemove(items, id, path, order.value())
        "text_create" -> textCreate(items, id, path, order.text("text"))
        "text_edit" -> textEdit(items, id, path, order.splices())
        else -> error("no such call: $call")
    }
}

fun condition(order: Order): Condition {
    val bound = { (order.value() as Value.Integer).value }
    return when (val name = order.text("is")) {
        "exists" -> Condition.Exists
        "missing" -> Condition.Missing
        "equals" -> Condition.Equals(order.value())
        "at_least" -> Condition.AtLeast(bound())
        "at_most" -> Condition.AtMost(bound())
        else -> error("no such condition: $name")
    }
}
