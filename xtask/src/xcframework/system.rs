//! What the library may want from Apple's systems, and what Apple wants to be told of it.
//!
//! Whatever no object of the library has must be here, in a group that says why it is used. A new name
//! means that a dependency does something new: look what it is before adding it.

use std::collections::BTreeSet;

/// What it is used for; names as C writes them, without the underscore that Mach-O puts before each.
type Group = (&'static str, &'static [&'static str]);

const GROUPS: [Group; 19] = [
    (
        "Security: rustls asks the system whether it trusts a Relay's certificate",
        &[
            "SecCertificateCopySubjectSummary",
            "SecCertificateCreateWithData",
            "SecCopyErrorMessageString",
            "SecPolicyCreateSSL",
            "SecTrustCopyAnchorCertificates",
            "SecTrustCreateWithCertificates",
            "SecTrustEvaluateWithError",
            "SecTrustSetAnchorCertificates",
            "SecTrustSetAnchorCertificatesOnly",
            "SecTrustSetOCSPResponse",
            "SecTrustSetVerifyDate",
        ],
    ),
    (
        "CoreFoundation: the objects that Security takes and returns",
        &[
            "CFArrayCreate",
            "CFDataCreate",
            "CFDateCreate",
            "CFErrorCopyDescription",
            "CFErrorGetCode",
            "CFRelease",
            "CFRetain",
            "CFStringCreateWithBytes",
            "CFStringGetBytes",
            "CFStringGetCStringPtr",
            "CFStringGetLength",
            "kCFAbsoluteTimeIntervalSince1970",
            "kCFAllocatorDefault",
            "kCFTypeArrayCallBacks",
        ],
    ),
    (
        "Randomness: keys and nonces; SQLite's temporary names",
        &["CCRandomGenerateBytes", "getentropy", "random", "srandomdev"],
    ),
    (
        "Unwinding: a panic becomes an error at the border",
        &[
            "_Unwind_Backtrace",
            "_Unwind_DeleteException",
            "_Unwind_GetCFA",
            "_Unwind_GetDataRelBase",
            "_Unwind_GetIP",
            "_Unwind_GetIPInfo",
            "_Unwind_GetLanguageSpecificData",
            "_Unwind_GetRegionStart",
            "_Unwind_GetTextRelBase",
            "_Unwind_RaiseException",
            "_Unwind_Resume",
            "_Unwind_SetGR",
            "_Unwind_SetIP",
        ],
    ),
    (
        "dyld: thread-local values, where code lies (for backtraces), optional functions of the system",
        &[
            "_dyld_get_image_header",
            "_dyld_get_image_name",
            "_dyld_get_image_vmaddr_slide",
            "_dyld_image_count",
            "_tlv_atexit",
            "_tlv_bootstrap",
            "dlclose",
            "dlerror",
            "dlopen",
            "dlsym",
        ],
    ),
    (
        "Threads and waiting",
        &[
            "dispatch_release",
            "dispatch_semaphore_create",
            "dispatch_semaphore_signal",
            "dispatch_semaphore_wait",
            "dispatch_time",
            "pthread_attr_destroy",
            "pthread_attr_init",
            "pthread_attr_setstacksize",
            "pthread_cond_broadcast",
            "pthread_cond_destroy",
            "pthread_cond_init",
            "pthread_cond_signal",
            "pthread_cond_timedwait",
            "pthread_cond_timedwait_relative_np",
            "pthread_cond_wait",
            "pthread_create",
            "pthread_detach",
            "pthread_join",
            "pthread_mutex_destroy",
            "pthread_mutex_init",
            "pthread_mutex_lock",
            "pthread_mutex_trylock",
            "pthread_mutex_unlock",
            "pthread_mutexattr_destroy",
            "pthread_mutexattr_init",
            "pthread_mutexattr_settype",
            "pthread_self",
            "pthread_setname_np",
            "pthread_threadid_np",
            "sched_yield",
        ],
    ),
    ("Time", &["clock_gettime", "gettimeofday", "localtime_r", "nanosleep", "time"]),
    (
        "Memory",
        &[
            "calloc",
            "free",
            "malloc",
            "malloc_create_zone",
            "malloc_default_zone",
            "malloc_set_zone_name",
            "malloc_size",
            "malloc_zone_free",
            "malloc_zone_malloc",
            "malloc_zone_realloc",
            "mmap",
            "munmap",
            "posix_memalign",
            "realloc",
        ],
    ),
    (
        "Bytes and strings of C",
        &[
            "__bzero",
            "__memcpy_chk",
            "__memmove_chk",
            "__memset_chk",
            "__strlcat_chk",
            "__strlcpy_chk",
            "atoi",
            "bcmp",
            "bzero",
            "memchr",
            "memcmp",
            "memcpy",
            "memmove",
            "memset",
            "memset_pattern16",
            "qsort",
            "strchr",
            "strcmp",
            "strcspn",
            "strerror_r",
            "strlen",
            "strncmp",
            "strrchr",
            "strspn",
        ],
    ),
    ("Mathematics of SQL", &["log", "pow"]),
    (
        "Arithmetic that a processor has no instruction for (compiler-rt, in libSystem)",
        &["__floatuntidf", "__udivti3", "__umodti3", "__divti3", "__modti3"],
    ),
    (
        "Files: the store of a device, by SQLite and Rust's standard library",
        &[
            "access",
            "close",
            "closedir",
            "dirfd",
            "fchmod",
            "fchown",
            "fcntl",
            "flock",
            "fsctl",
            "fstat",
            "fstatfs",
            "fsync",
            "ftruncate",
            "futimes",
            "getcwd",
            "lseek",
            "lstat",
            "mkdir",
            "open",
            "opendir",
            "openat",
            "pread",
            "pwrite",
            "read",
            "readdir_r",
            "readlink",
            "realpath",
            "rename",
            "rmdir",
            "stat",
            "statfs",
            "unlink",
            "unlinkat",
            "utimes",
            "write",
            "writev",
        ],
    ),
    ("Sockets that listen: a Relay for the tests of apps", &["accept", "listen"]),
    (
        "Sockets: the connection to a Relay",
        &[
            "bind",
            "connect",
            "freeaddrinfo",
            "gai_strerror",
            "getaddrinfo",
            "getpeername",
            "getsockname",
            "getsockopt",
            "recv",
            "send",
            "setsockopt",
            "shutdown",
            "socket",
        ],
    ),
    ("Waiting for sockets", &["kevent", "kqueue", "pipe", "poll", "ioctl"]),
    (
        "The process and its machine",
        &[
            "confstr",
            "getenv",
            "geteuid",
            "getpid",
            "gethostuuid",
            "pause",
            "sysconf",
            "sysctl",
            "sysctlbyname",
        ],
    ),
    (
        "The unified log, where Apple's own headers were there to build for it",
        &[
            "_os_log_default",
            "_os_log_impl",
            "os_log_create",
            "os_log_type_enabled",
            "os_release",
            "os_retain",
        ],
    ),
    ("Errors of C", &["__error"]),
    (
        "Stopping when something is broken",
        &["__assert_rtn", "__stack_chk_fail", "__stack_chk_guard", "__stderrp", "abort", "fprintf"],
    ),
];

/// Names of linker symbols that are in no group.
pub fn unknown(undefined: &BTreeSet<String>) -> Vec<&str> {
    let known = |symbol: &str| GROUPS.iter().any(|(_, names)| names.contains(&function(symbol)));
    undefined.iter().map(String::as_str).filter(|symbol| !known(symbol)).collect()
}

/// What of Apple's list of functions that need a reason is used: category and reason.
///
/// Files' times and sizes are those of the app's own store (C617.1). SQLite asks the file system of that
/// store for its kind with the call that also tells the free space (E174.1). Times since the start of
/// the system measure how long something took (35F9.1).
pub fn to_be_declared(undefined: &BTreeSet<String>) -> Vec<(&'static str, &'static str)> {
    const CATEGORIES: [(&str, &str, &[&str]); 3] = [
        (
            "NSPrivacyAccessedAPICategoryFileTimestamp",
            "C617.1",
            &["stat", "fstat", "fstatat", "lstat", "getattrlist", "fgetattrlist", "getattrlistat"],
        ),
        ("NSPrivacyAccessedAPICategorySystemBootTime", "35F9.1", &["mach_absolute_time"]),
        (
            "NSPrivacyAccessedAPICategoryDiskSpace",
            "E174.1",
            &["statfs", "statvfs", "fstatfs", "fstatvfs", "getattrlist", "fgetattrlist"],
        ),
    ];
    let used = |names: &[&str]| undefined.iter().any(|symbol| names.contains(&function(symbol)));
    let declared = CATEGORIES.into_iter().filter(|(_, _, names)| used(names));
    declared.map(|(category, reason, _)| (category, reason)).collect()
}

/// The function of C behind a symbol: `_stat$INODE64` is one of the forms of `stat`.
fn function(symbol: &str) -> &str {
    let name = symbol.strip_prefix('_').unwrap_or(symbol);
    name.split('$').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_in_no_group_is_named() {
        let undefined = set(&["_stat$INODE64", "___error", "_system", "_NSLog"]);
        assert_eq!(unknown(&undefined), ["_NSLog", "_system"]);
    }

    #[test]
    fn a_name_is_in_one_group_and_each_group_says_why() {
        let mut all = BTreeSet::new();
        for (why, names) in &GROUPS {
            assert!(!why.is_empty());
            assert!(names.iter().all(|name| all.insert(*name)), "twice: {why}");
        }
    }

    #[test]
    fn what_apple_wants_to_be_told_follows_from_what_is_used() {
        assert_eq!(to_be_declared(&set(&["_read"])), []);
        let told = to_be_declared(&set(&["_fstat$INODE64", "_statfs"]));
        assert_eq!(told.iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), ["C617.1", "E174.1"]);
    }
}
