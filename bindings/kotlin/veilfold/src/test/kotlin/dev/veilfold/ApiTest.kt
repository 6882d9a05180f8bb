// The public API is what the file `api/veilfold.api` says, so that no change of it goes unseen.

package dev.veilfold

import kotlinx.validation.api.dump
import kotlinx.validation.api.filterOutNonPublic
import kotlinx.validation.api.loadApiFromJvmClasses
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Test
import java.io.File

class ApiTest {
    private val file = File(System.getProperty("veilfold.checkout"), "bindings/kotlin/api/veilfold.api")

    @Test
    fun thePublicApiIsTheOneInTheFile() {
        val classes = File(Veilfold::class.java.protectionDomain.codeSource.location.toURI())
        val streams = classes.walk().filter { it.extension == "class" }.sorted().map { it.inputStream() }
        val api = streams.loadApiFromJvmClasses().filterOutNonPublic().dump(StringBuilder()).toString()
        assertFalse("dev/veilfold/ffi" in api, "something generated is in the public API")
        if (System.getenv("VEILFOLD_API") == "write") file.writeText(api)
        assertEquals(file.readText(), api, "`cargo xtask kotlin --api` writes the file anew")
    }
}
