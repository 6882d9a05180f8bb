// The connection follows the app: on while somebody looks at it, off in the background, where Android
// takes the network away anyhow.

package dev.veilfold.android

import android.app.Activity
import android.app.Application
import android.os.Bundle
import dev.veilfold.Client
import dev.veilfold.VeilfoldException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.launch
import java.io.Closeable

/**
 * Connects a client while an activity of the app is started, and goes offline when the last one stops.
 * What was written meanwhile is kept and sent later, or by a [SyncJobService].
 *
 * Make it on the main thread, in `Application.onCreate` or when the client has been opened. Its work is
 * done elsewhere. [close] ends it and leaves the client as it is.
 *
 * ```
 * VeilfoldLifecycle(application, client)
 * ```
 *
 * @param started True when an activity is started already.
 */
public class VeilfoldLifecycle(
    private val application: Application,
    private val client: Client,
    started: Boolean = false,
) : Closeable {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val wanted = MutableStateFlow(started)

    private val callbacks =
        object : Application.ActivityLifecycleCallbacks {
            private var count = if (started) 1 else 0

            override fun onActivityStarted(activity: Activity) {
                count += 1
                wanted.value = true
            }

            override fun onActivityStopped(activity: Activity) {
                count = maxOf(0, count - 1)
                // A turned screen stops one activity and starts the next.
                if (count == 0 && !activity.isChangingConfigurations) wanted.value = false
            }

            override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit

            override fun onActivityResumed(activity: Activity) = Unit

            override fun onActivityPaused(activity: Activity) = Unit

            override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit

            override fun onActivityDestroyed(activity: Activity) = Unit
        }

    init {
        application.registerActivityLifecycleCallbacks(callbacks)
        scope.launch {
            try {
                wanted.collect { if (it) client.connect() else client.disconnect() }
            } catch (_: VeilfoldException) {
                // The client was closed, so there is nothing to connect any more.
            }
        }
    }

    override fun close() {
        application.unregisterActivityLifecycleCallbacks(callbacks)
        scope.cancel()
    }
}
