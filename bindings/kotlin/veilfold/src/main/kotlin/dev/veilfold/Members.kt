// Who is in a space, and how somebody gets in.

package dev.veilfold

import dev.veilfold.ffi.Member as NativeMember
import dev.veilfold.ffi.MemberRole as NativeRole

/** What a member may do. */
public enum class Role(internal val native: NativeRole) {
    /** Reads. */
    READER(NativeRole.READER),

    /** Reads and writes. */
    WRITER(NativeRole.WRITER),

    /** Also adds readers and writers. */
    ADMIN(NativeRole.ADMIN),

    /** Also adds admins and owners. */
    OWNER(NativeRole.OWNER),
}

/**
 * A member as this device knows it.
 *
 * @property number Its number in the space.
 * @property name Its name, if the entry that added it said one.
 * @property me True for this device.
 */
public data class Member(val number: Long, val role: Role, val name: String?, val me: Boolean)

/**
 * What somebody who was added needs to join.
 *
 * @property text To be handed to the holder of the card; holds no secret.
 * @property receipt Tells when the order contains the addition.
 */
public class Ticket internal constructor(public val text: String, public val receipt: Receipt) {
    override fun toString(): String = text
}

internal fun memberOf(native: NativeMember): Member =
    Member(native.number, Role.entries.first { it.native == native.role }, native.name, native.me)
