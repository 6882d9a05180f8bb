// Jobs on a simulated Android: they sync and end, whatever happens, and leave alone what is not theirs.

package dev.veilfold.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.content.Context
import dev.veilfold.Client
import dev.veilfold.Document
import dev.veilfold.SyncState
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.first
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
import org.robolectric.util.ReflectionHelpers
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

/** The app's client as its job finds it. */
private lateinit var ofTheApp: suspend () -> Client
private var patience = 1.minutes

class SyncJob : SyncJobService() {
    override val timeout: Duration get() = patience

    override suspend fun client(): Client = ofTheApp()
}

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [24], manifest = Config.NONE)
class JobsTest {
    private fun service() = Robolectric.setupService(SyncJob::class.java)

    private fun parameters(id: Int): JobParameters =
        Shadow.newInstanceOf(JobParameters::class.java).also { ReflectionHelpers.setField(it, "jobId", id) }

    private suspend fun wantsAgain(job: SyncJob): Boolean {
        while (!shadowOf(job).isJobFinished) yield()
        return shadowOf(job).isRescheduleNeeded
    }

    @Test
    fun aJobSyncsWhatWasWrittenOffline() = story { alice ->
        ofTheApp = { alice }
        val space = alice.createSpace()
        alice.disconnect()
        space.collection("c").put(Document("a"))
        assertTrue(space.currentStatus().outboxCount > 0)
        val job = service()
        assertTrue(job.onStartJob(parameters(1)))
        space.status.first { it.outboxCount == 0L && it.state == SyncState.Offline }
        assertFalse(wantsAgain(job))
        job.onDestroy()
    }

    @Test
    fun aJobLeavesTheConnectionOfAVisibleApp() = story { alice ->
        ofTheApp = { alice }
        alice.createSpace().synced()
        val job = service()
        job.onStartJob(parameters(1))
        assertFalse(wantsAgain(job))
        assertTrue(alice.status().wantsConnection)
    }

    @Test
    fun aJobThatCannotSyncEnds() = story { alice ->
        ofTheApp = { alice }
        patience = 100.milliseconds
        try {
            alice.createSpace()
            alice.setRelay("ws://127.0.0.1:1")
            alice.disconnect()
            val job = service()
            job.onStartJob(parameters(1))
            assertFalse(wantsAgain(job))
            assertFalse(alice.status().wantsConnection)
        } finally {
            patience = 1.minutes
        }
    }

    @Test
    fun whatAnAppDoesWrongIsTriedAgain() = story {
        for (wrong in listOf(IllegalStateException("mine"), NotImplementedError(), CancellationException("mine"))) {
            ofTheApp = { throw wrong }
            val job = service()
            job.onStartJob(parameters(1))
            assertTrue("$wrong", wantsAgain(job))
        }
    }

    @Test
    fun aJobThatWasStoppedCanStartAgain() = story { alice ->
        val (started, stopped) = List(2) { CompletableDeferred<Unit>() }
        ofTheApp = {
            started.complete(Unit)
            try {
                awaitCancellation()
            } finally {
                stopped.complete(Unit)
            }
        }
        val job = service()
        job.onStartJob(parameters(1))
        started.await()
        assertTrue(job.onStopJob(parameters(1)))
        stopped.await()
        assertFalse(shadowOf(job).isJobFinished)
        ofTheApp = { alice }
        job.onStartJob(parameters(1))
        assertFalse(wantsAgain(job))
    }

    @Test
    fun stoppingOneJobLeavesTheOthers() = story { alice ->
        val goOn = CompletableDeferred<Client>()
        ofTheApp = { goOn.await() }
        val job = service()
        job.onStartJob(parameters(1))
        job.onStartJob(parameters(2))
        job.onStopJob(parameters(1))
        goOn.complete(alice)
        assertFalse(wantsAgain(job))
    }

    @Test
    fun aJobIsAskedForAndTakenBack() {
        val app = RuntimeEnvironment.getApplication()
        val scheduler = app.getSystemService(Context.JOB_SCHEDULER_SERVICE) as JobScheduler
        assertTrue(SyncJobService.schedule(app, SyncJob::class.java, 7))
        val asked = scheduler.allPendingJobs.single()
        assertEquals(JobInfo.NETWORK_TYPE_ANY to SyncJob::class.java.name, asked.networkType to asked.service.className)
        assertTrue(asked.isPeriodic)
        SyncJobService.cancel(app, 7)
        assertTrue(scheduler.allPendingJobs.isEmpty())
    }
}
