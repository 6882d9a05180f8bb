// An app on a simulated Android: opens a client, goes to the background, is woken for a job.

package dev.veilfold.android

import android.app.Activity
import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.content.Context
import dev.veilfold.Client
import dev.veilfold.Document
import dev.veilfold.KeyStore
import dev.veilfold.SyncState
import dev.veilfold.Veilfold
import dev.veilfold.testing.Relay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadow.api.Shadow
import java.io.File
import kotlin.time.Duration.Companion.seconds

/** The app's client as its job finds it. */
private lateinit var ofTheApp: Client

class SyncJob : SyncJobService() {
    override suspend fun client(): Client = ofTheApp
}

/** The hardware of a device is not simulated. */
private class Keys : KeyStore {
    private val roots = HashMap<String, ByteArray>()

    override fun loadRoot(id: String): ByteArray? = roots[id]

    override fun storeRoot(id: String, root: ByteArray) {
        roots[id] = root
    }

    override fun deleteRoot(id: String) {
        roots.remove(id)
    }
}

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [24], manifest = Config.NONE)
class AppTest {
    private val app = RuntimeEnvironment.getApplication()

    private fun story(work: suspend (Relay, Client) -> Unit) = runBlocking {
        withTimeout(50.seconds) {
            Relay.start().use { relay ->
                Veilfold.open(app, "alice.db", relay.url, "Alice", keyStore = Keys()).use { work(relay, it) }
            }
        }
    }

    @Test
    fun aClientIsOpenedInTheAppsOwnFolder() = story { _, alice ->
        val space = alice.createSpace()
        space.collection("c").put(Document("a"))
        assertTrue(File(app.noBackupFilesDir, "veilfold/alice.db").isFile)
        assertEquals(1, space.collection("c").all().size)
    }

    @Test
    fun theConnectionFollowsTheActivities() = story { _, alice ->
        val space = alice.createSpace()
        VeilfoldLifecycle(app, alice).use {
            val activity = Robolectric.buildActivity(Activity::class.java).create().start()
            space.status.first { it.state == SyncState.Live }
            activity.resume().pause().stop()
            space.status.first { it.state == SyncState.Offline }
            activity.restart().start()
            space.status.first { it.state == SyncState.Live }
        }
    }

    @Test
    fun aJobSyncsWhatWasWrittenOffline() = story { _, alice ->
        ofTheApp = alice
        val space = alice.createSpace()
        alice.disconnect()
        space.collection("c").put(Document("a"))
        assertTrue(space.currentStatus().outboxCount > 0)
        val job = Robolectric.setupService(SyncJob::class.java)
        assertTrue(job.onStartJob(Shadow.newInstanceOf(JobParameters::class.java)))
        space.status.first { it.outboxCount == 0L && it.state == SyncState.Offline }
        while (!shadowOf(job).isJobFinished) yield()
        assertFalse(shadowOf(job).isRescheduleNeeded)
        job.onDestroy()
    }

    @Test
    fun aJobIsAskedForAndTakenBack() {
        val scheduler = app.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler
        assertTrue(SyncJobService.schedule(app, SyncJob::class.java, 7))
        val asked = scheduler.allPendingJobs.single()
        assertEquals(JobInfo.NETWORK_TYPE_ANY to SyncJob::class.java.name, asked.networkType to asked.service.className)
        assertTrue(asked.isPeriodic)
        SyncJobService.cancel(app, 7)
        assertTrue(scheduler.allPendingJobs.isEmpty())
    }
}
