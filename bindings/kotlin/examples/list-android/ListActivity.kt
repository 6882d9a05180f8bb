// The shared list on Android, with Jetpack Compose. Not compiled in this repository: it needs the Android
// SDK and Compose. Beside it belong `ShoppingList.kt` from `../list` and
// `implementation("dev.veilfold:veilfold-android:0.1.0")`.

package dev.veilfold.examples.list

import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.material3.Button
import androidx.compose.material3.Checkbox
import androidx.compose.material3.Text
import androidx.compose.material3.TextField
import androidx.compose.runtime.Composable
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.lifecycle.lifecycleScope
import dev.veilfold.Veilfold
import dev.veilfold.android.VeilfoldLifecycle
import dev.veilfold.android.open
import kotlinx.coroutines.launch

class ListActivity : ComponentActivity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        lifecycleScope.launch {
            val list = (application as ListApplication).list()
            setContent { Screen(list) }
        }
    }
}

class ListApplication : android.app.Application() {
    private val opening = kotlinx.coroutines.sync.Mutex()
    private var opened: ShoppingList? = null

    /** A store is open once, so the application has the client and not the activity. */
    suspend fun list(): ShoppingList {
        opening.lock()
        try {
            return opened ?: run {
                val client = Veilfold.open(this, "list.db", relay = "wss://relay.example")
                VeilfoldLifecycle(this, client, started = true)
                ShoppingList.of(client).also { opened = it }
            }
        } finally {
            opening.unlock()
        }
    }
}

@Composable
private fun Screen(list: ShoppingList) {
    val rows by list.rows.collectAsState(emptyList())
    val offline by list.offline.collectAsState(true)
    val scope = rememberCoroutineScope()
    var name by remember { mutableStateOf("") }
    Column {
        if (offline) Text("offline: kept here, sent later")
        Row {
            TextField(name, { name = it })
            Button(enabled = name.isNotBlank(), onClick = {
                val wanted = name.trim()
                name = ""
                scope.launch { list.add(wanted) }
            }) { Text("Add") }
        }
        LazyColumn {
            items(rows, key = { it.id }) { item ->
                Row(Modifier.clickable { scope.launch { list.buy(item.id) } }) {
                    Checkbox(item.done, onCheckedChange = null)
                    Text("${item.qty} ${item.id}")
                }
            }
        }
    }
}
