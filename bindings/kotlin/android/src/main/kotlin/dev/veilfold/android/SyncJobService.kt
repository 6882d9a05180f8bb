// Syncing while nobody looks at the app: a job that Android runs when there is a network.

package dev.veilfold.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import android.util.Log
import dev.veilfold.Client
import dev.veilfold.VeilfoldException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/**
 * Connects, waits at most [timeout] until the relay has what was written here and this device has what others
 * wrote, and lets Android sleep again. What is missing then comes next time. A connection that the app itself
 * wants stays.
 *
 * An app makes a subclass that gives its one client, and names it in its manifest:
 *
 * ```
 * class SyncJob : SyncJobService() {
 *     override suspend fun client(): Client = (application as MyApp).client()
 * }
 * ```
 * ```
 * <service android:name=".SyncJob" android:permission="android.permission.BIND_JOB_SERVICE" />
 * ```
 */
public abstract class SyncJobService : JobService() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    /** What runs, by the job's number. */
    private val running = ConcurrentHashMap<Int, Job>()

    /** How long a job waits; Android ends it after about ten minutes. */
    protected open val timeout: Duration = 1.minutes

    /**
     * The app's client; a store can be open once only. Called off the main thread, and cancelled when Android
     * stops the job. After an exception Android is asked to run the job again soon.
     */
    protected abstract suspend fun client(): Client

    override fun onStartJob(parameters: JobParameters): Boolean {
        val id = parameters.jobId
        val job = scope.launch(start = CoroutineStart.LAZY) { jobFinished(parameters, isWantedAgain()) }
        running.put(id, job)?.cancel()
        job.invokeOnCompletion { running.remove(id, job) }
        job.start()
        return true
    }

    override fun onStopJob(parameters: JobParameters): Boolean {
        running.remove(parameters.jobId)?.cancel()
        return true
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    /** Syncs; true when it is worth trying again before the next time. */
    private suspend fun isWantedAgain(): Boolean =
        try {
            client().syncOnce(timeout)
            false
        } catch (_: VeilfoldException.Offline) {
            // There is no relay to wait for.
            false
        } catch (_: VeilfoldException.RelayMisbehaved) {
            // Nor does it help to ask one that was caught.
            false
        } catch (error: Throwable) {
            // Only the job's own end is not an answer.
            currentCoroutineContext().ensureActive()
            // An app that nobody looks at must not crash for it. What the text says may be nobody's business.
            if (error !is VeilfoldException) Log.e(TAG, "${error.javaClass.name} at ${error.stackTrace.firstOrNull()}")
            true
        }

    /** Asks Android for jobs. */
    public companion object {
        private const val TAG = "SyncJobService"

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
