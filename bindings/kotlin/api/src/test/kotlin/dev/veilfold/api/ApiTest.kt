// The public API of each artifact is what its file beside this module says, so that no change of it goes unseen.

package dev.veilfold.api

import dev.veilfold.Veilfold
import dev.veilfold.android.AndroidKeyStore
import dev.veilfold.testing.Relay
import kotlinx.validation.api.dump
import kotlinx.validation.api.filterOutNonPublic
import kotlinx.validation.api.loadApiFromJvmClasses
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Test
import java.io.File
import java.util.jar.JarFile

class ApiTest {
    @Test
    fun thePublicApiIsTheOneInTheFile() = assertSame("veilfold", Veilfold::class.java)

    @Test
    fun thePublicApiOfTheAndroidPartIsTheOneInTheFile() = assertSame("veilfold-android", AndroidKeyStore::class.java)

    @Test
    fun thePublicApiOfTheTestingPartIsTheOneInTheFile() = assertSame("veilfold-testing", Relay::class.java)

    /** Compares the artifact that has this class. */
    private fun assertSame(artifact: String, one: Class<*>) {
        // Maven packs a module before it turns to the next.
        val classes = JarFile(File(one.protectionDomain.codeSource.location.toURI()))
        val api = classes.use { it.loadApiFromJvmClasses().filterOutNonPublic().dump(StringBuilder()).toString() }
        assertFalse("dev/veilfold/ffi" in api, "something generated is in the public API")
        val file = File(System.getProperty("veilfold.checkout"), "bindings/kotlin/api/$artifact.api")
        if (System.getenv("VEILFOLD_API") == "write") file.writeText(api)
        assertEquals(if (file.exists()) file.readText() else "", api, "`cargo xtask kotlin --api` writes the file anew")
    }
}
