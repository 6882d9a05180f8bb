// An app on a simulated Android: opens a client and goes to the background.

package dev.veilfold.android

import android.app.Activity
import dev.veilfold.Document
import dev.veilfold.SyncState
import kotlinx.coroutines.flow.first
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import java.io.File

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [24], manifest = Config.NONE)
class AppTest {
    private val app = RuntimeEnvironment.getApplication()

    @Test
    fun aClientIsOpenedInTheAppsOwnFolder() = story { alice ->
        val space = alice.createSpace()
        space.collection("c").put(Document("a"))
        assertTrue(File(app.noBackupFilesDir, "veilfold/alice.db").isFile)
        assertEquals(1, space.collection("c").all().size)
    }

    @Test
    fun theConnectionFollowsTheActivities() = story { alice ->
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
}
