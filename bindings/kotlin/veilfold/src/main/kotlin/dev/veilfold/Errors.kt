// What can go wrong, sorted by who can act. `answered` and `told` stand around every native call.

package dev.veilfold

import dev.veilfold.ffi.InternalException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import dev.veilfold.ffi.VeilfoldException as NativeException

/**
 * Every error that Veilfold throws. Texts hold ids and sizes, never names, keys or contents.
 *
 * @property code Stable, for programs.
 * @property detail For people: what happened and what to do.
 */
public sealed class VeilfoldException(
    public val code: String,
    public val detail: String,
    cause: Throwable? = null,
) : Exception("$code: $detail", cause) {
    /** There is no connection; it is tried again by itself. */
    public class Offline internal constructor(code: String, detail: String) : VeilfoldException(code, detail)

    /** This device may not do that in this space. */
    public class NotAllowed internal constructor(code: String, detail: String) : VeilfoldException(code, detail)

    /** The call is wrong; the detail says what to change. */
    public class Invalid internal constructor(code: String, detail: String, cause: Throwable? = null) :
        VeilfoldException(code, detail, cause)

    /** The relay gave something that an honest one cannot give. */
    public class RelayMisbehaved internal constructor(code: String, detail: String) : VeilfoldException(code, detail)

    /** Data of a newer version of the app; update it. */
    public class NewerVersion internal constructor(code: String, detail: String) : VeilfoldException(code, detail)

    /** Local data is damaged or cannot be opened. */
    public class Corrupt internal constructor(code: String, detail: String) : VeilfoldException(code, detail)

    /** A broken assumption of Veilfold itself; report it. */
    public class Internal internal constructor(code: String, detail: String, cause: Throwable? = null) :
        VeilfoldException(code, detail, cause)

    /** A kind that this version does not know. A `when` that names it needs no `else`. */
    public class Unknown internal constructor(code: String, detail: String) : VeilfoldException(code, detail)
}

/** The error of this package for one of the generated layer. */
internal fun translated(error: NativeException): VeilfoldException =
    when (error) {
        is NativeException.Offline -> VeilfoldException.Offline(error.code, error.detail)
        is NativeException.NotAllowed -> VeilfoldException.NotAllowed(error.code, error.detail)
        is NativeException.Invalid -> VeilfoldException.Invalid(error.code, error.detail)
        is NativeException.RelayMisbehaved -> VeilfoldException.RelayMisbehaved(error.code, error.detail)
        is NativeException.NewerVersion -> VeilfoldException.NewerVersion(error.code, error.detail)
        is NativeException.Corrupt -> VeilfoldException.Corrupt(error.code, error.detail)
        is NativeException.Internal -> VeilfoldException.Internal(error.code, error.detail)
    }

/** Makes a native call that waits, off the caller's thread, and throws this package's errors. */
internal suspend fun <T> answered(call: suspend () -> T): T =
    withContext(Dispatchers.Default) {
        try {
            call()
        } catch (error: Exception) {
            throw ofBorder(error)
        }
    }

/** As [answered], for what has to be closed: a caller that was cancelled meanwhile never gets it, so it ends here. */
internal suspend fun <T : AutoCloseable?> opened(call: suspend () -> T): T {
    var made: T? = null
    try {
        return answered { call().also { made = it } }
    } catch (error: Throwable) {
        made?.close()
        throw error
    }
}

/** Makes a native call that does not wait and throws this package's errors. */
internal inline fun <T> told(call: () -> T): T =
    try {
        call()
    } catch (error: Exception) {
        throw ofBorder(error)
    }

internal fun ofBorder(error: Exception): Exception =
    when (error) {
        is CancellationException, is VeilfoldException -> error
        is NativeException -> translated(error)
        is InternalException -> VeilfoldException.Internal("internal", "a panic at the border", error)
        else -> error
    }

internal fun invalid(code: String, detail: String, cause: Throwable? = null): VeilfoldException =
    VeilfoldException.Invalid(code, detail, cause)
