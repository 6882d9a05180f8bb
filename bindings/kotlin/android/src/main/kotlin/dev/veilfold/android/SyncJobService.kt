// Syncing while nobody looks at the app: a job that Android runs when there is a network.

package dev.veilfold.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import dev.veilfold.Client
import dev.veilfold.VeilfoldException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/**
 * Connects, waits until the relay has what was written here and this device has what others wrote, and
 * lets Android sleep again. Android ends it when its time is over; what is missing then comes next time.
 *
 * An app makes a subclass that gives its one client, and names it in its manifest:
 *
 * ```
 * class SyncJob : SyncJobService() {
 *     override suspend fun client(): Client = (application as MyApp).client()
 *     override fun isInUse(): Boolean = (application as MyApp).isVisible
 * }
 * ```
 * ```
 * <service android:name=".SyncJob" android:permission="android.permission.BIND_JOB_SERVICE" />
 * ```
 */
public abstract class SyncJobService : JobService() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** The app's client; a store can be open once only. Called off the main thread. */
    protected abstract suspend fun client(): Client

    /** True while the app is visible, so that the connection is not ended with the job. Called off the main thread. */
    protected open fun isInUse(): Boolean = false

    override fun onStartJob(parameters: JobParameters): Boolean {
        scope.launch {
            val again =
                try {
                    sync(client())
                    false
                } catch (_: VeilfoldException.Offline) {
                    // There is no relay to wait for.
                    false
                } catch (_: VeilfoldException) {
                    true
                }
            jobFinished(parameters, again)
        }
        return true
    }

    override fun onStopJob(parameters: JobParameters): Boolean {
        scope.cancel()
        return true
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    private suspend fun sync(client: Client) {
        client.connect()
        try {
            coroutineScope { client.spaces().map { async { it.synced() } }.awaitAll() }
        } finally {
            if (!isInUse()) client.disconnectAnyhow()
        }
    }

    /** Asks Android for jobs. */
    public companion object {
        /**
         * Asks Android to run the job about every [periodMs] (at least 15 minutes) when there is a network,
         * replacing what was asked for under the same [id]. Cheap; give it at each start of the app.
         *
         * @param id The job's number in this app.
         */
        @JvmStatic
        public fun schedule(
            context: Context,
            service: Class<out SyncJobService>,
            id: Int,
            periodMs: Long = JobInfo.getMinPeriodMillis(),
        ): Boolean {
            val job =
                JobInfo.Builder(id, ComponentName(context, service))
                    .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                    .setPeriodic(periodMs)
                    .build()
            return scheduler(context).schedule(job) == JobScheduler.RESULT_SUCCESS
        }

        /** Takes the request back. */
        @JvmStatic
        public fun cancel(context: Context, id: Int): Unit = scheduler(context).cancel(id)

        private fun scheduler(context: Context) = context.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler
    }
}

/** Also when the job itself is being cancelled; it is asked for and not waited for. */
private suspend fun Client.disconnectAnyhow() =
    withContext(NonCancellable) {
        try {
            disconnect()
        } catch (_: VeilfoldException) {
            // Closed meanwhile, and so offline.
        }
    }
