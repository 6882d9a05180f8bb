//! What an Android device has for a library, and what would keep it from loading one.
//!
//! Used by `aar.rs`. Functions of the system are in groups that say why they are used, as those of Apple's
//! systems are in `xcframework/system.rs`: a new name means that a dependency does something new. Before one is
//! added: bionic's `libc.map.txt` (`libm`, `libdl`, `liblog` likewise) has to have it without a level or with one up
//! to [`LEVEL`], for all processors. What is there for some of them alone is used on those alone.

use crate::native::{Library, Minimum};
use std::collections::BTreeSet;

/// Android's names of processors, and what a library for them says of itself.
const ABIS: [(&str, &str); 4] =
    [("arm64-v8a", "aarch64"), ("armeabi-v7a", "arm"), ("x86_64", "x86-64"), ("x86", "x86")];

/// What 64-bit devices with pages of 16 KB ask for.
pub const ALIGNMENT: u64 = 0x4000;

/// Android 7.0.
pub const LEVEL: u32 = 24;

/// Libraries of the system that an app may name; without C++ and without another copy of SQLite.
const NEEDED: [&str; 4] = ["libc.so", "libdl.so", "liblog.so", "libm.so"];

type Group = (&'static str, &'static [&'static str]);

const GROUPS: [Group; 16] = [
    (
        "Memory",
        &["calloc", "free", "malloc", "mmap", "mmap64", "mremap", "munmap", "posix_memalign", "realloc"],
    ),
    (
        "Bytes and strings of C",
        &[
            "memchr", "memcmp", "memcpy", "memmove", "memset", "strchr", "strcmp", "strcspn", "strlen",
            "strncmp", "strrchr", "strspn",
        ],
    ),
    (
        "Bytes, as the calling convention of 32-bit ARM names it",
        &[
            "__aeabi_memclr",
            "__aeabi_memclr4",
            "__aeabi_memclr8",
            "__aeabi_memcpy",
            "__aeabi_memcpy4",
            "__aeabi_memcpy8",
            "__aeabi_memmove",
            "__aeabi_memmove4",
            "__aeabi_memmove8",
            "__aeabi_memset",
            "__aeabi_memset4",
            "__aeabi_memset8",
        ],
    ),
    ("Mathematics of SQL", &["log", "pow"]),
    (
        "Threads and waiting",
        &[
            "prctl",
            "pthread_attr_destroy",
            "pthread_attr_init",
            "pthread_attr_setstacksize",
            "pthread_create",
            "pthread_detach",
            "pthread_getspecific",
            "pthread_join",
            "pthread_key_create",
            "pthread_key_delete",
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
            "pthread_setspecific",
            "sched_getaffinity",
            "sched_yield",
        ],
    ),
    ("Time", &["clock_gettime", "gettimeofday", "localtime_r", "nanosleep", "time"]),
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
            "fdatasync",
            "fstat",
            "fstat64",
            "fsync",
            "ftruncate",
            "ftruncate64",
            "getcwd",
            "lseek",
            "lseek64",
            "lstat",
            "lstat64",
            "mkdir",
            "open",
            "open64",
            "opendir",
            "pread",
            "pread64",
            "pwrite",
            "pwrite64",
            "read",
            "readdir",
            "readdir64",
            "readlink",
            "realpath",
            "rename",
            "rmdir",
            "stat",
            "stat64",
            "unlink",
            "utimes",
            "write",
            "writev",
        ],
    ),
    (
        "Sockets: the connection to a Relay",
        &[
            "connect",
            "freeaddrinfo",
            "gai_strerror",
            "getaddrinfo",
            "getsockopt",
            "recv",
            "send",
            "setsockopt",
            "shutdown",
            "socket",
        ],
    ),
    ("Waiting for sockets", &["epoll_create1", "epoll_ctl", "epoll_wait", "eventfd", "poll"]),
    (
        "The process, its machine and its system",
        &["__system_property_get", "getauxval", "getenv", "geteuid", "getpid", "pause", "syscall", "sysconf"],
    ),
    (
        "Unwinding: a panic becomes an error at the border. The unwinder, from the NDK, is in the library itself",
        &[
            "__gnu_Unwind_Find_exidx",
            "dl_iterate_phdr",
            "dl_unwind_find_exidx",
            "dladdr",
            "fflush",
            "fprintf",
            "pthread_rwlock_rdlock",
            "pthread_rwlock_unlock",
            "pthread_rwlock_wrlock",
            "stderr",
        ],
    ),
    ("Functions that newer systems have", &["dlsym"]),
    ("The system's log", &["__android_log_buf_write", "__android_log_write"]),
    ("Loading and unloading: the NDK's start code", &["__cxa_atexit", "__cxa_finalize", "__register_atfork"]),
    ("Errors of C", &["__errno", "strerror_r"]),
    (
        "Stopping when something is broken",
        &["__assert2", "__stack_chk_fail", "abort", "android_set_abort_message"],
    ),
];

/// What would make a library fail on a device, or Android's shop refuse it.
pub fn judged(abi: &str, library: &Library, wanted: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = packable(abi, library, wanted);
    for name in library.needed.iter().filter(|name| !NEEDED.contains(&name.as_str())) {
        wrong.push(format!("needs {name}, which an app may not count on"));
    }
    let known = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    for name in library.undefined.iter().filter(|name| !known(name)) {
        wrong.push(format!("wants {name}, which is not in android.rs"));
    }
    match &library.minimum {
        Some(Minimum::Android(level)) if *level <= LEVEL => {}
        Some(other) => wrong.push(format!("is for {other}, not for Android API {LEVEL}")),
        None => wrong.push("does not say for which Android it is".to_owned()),
    }
    wrong
}

/// The part of it that holds for any library in an AAR, also for one that only stands in for Android's.
pub fn packable(abi: &str, library: &Library, wanted: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    match ABIS.iter().find(|(name, _)| *name == abi) {
        None => wrong.push("Android has no such ABI".to_owned()),
        Some((_, machine)) if *machine != library.machine => {
            wrong.push(format!("is for {}, not for {machine}", library.machine));
        }
        Some(_) => {}
    }
    if !library.stripped {
        wrong.push("is not stripped".to_owned());
    }
    if library.is_64_bit && library.alignment < ALIGNMENT {
        wrong.push(format!("is aligned to {} bytes, not to {ALIGNMENT}", library.alignment));
    }
    wrong.extend(library.differs(wanted));
    wrong
}

/// The ABI whose libraries run on the processor of this machine.
pub fn own_abi() -> Option<&'static str> {
    let machine = if cfg!(target_arch = "x86_64") { "x86-64" } else { std::env::consts::ARCH };
    ABIS.iter().find(|(_, own)| *own == machine).map(|(abi, _)| *abi)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn library(machine: &str, alignment: u64) -> Library {
        Library {
            machine: machine.to_owned(),
            stripped: true,
            alignment,
            is_64_bit: true,
            exported: set(&["uniffi_x"]),
            undefined: set(&["malloc", "__errno"]),
            needed: set(&["libc.so", "liblog.so"]),
            minimum: Some(Minimum::Android(LEVEL)),
            ..Library::default()
        }
    }

    #[test]
    fn a_library_is_judged_by_the_folder_that_it_lies_in() {
        let wanted = set(&["uniffi_x"]);
        assert_eq!(judged("arm64-v8a", &library("aarch64", ALIGNMENT), &wanted), Vec::<String>::new());
        assert_eq!(
            judged("arm64-v8a", &library("x86-64", ALIGNMENT), &wanted),
            ["is for x86-64, not for aarch64"]
        );
        assert_eq!(
            judged("x86_64", &library("x86-64", 0x1000), &wanted),
            ["is aligned to 4096 bytes, not to 16384"]
        );
        assert_eq!(judged("mips", &library("x86-64", ALIGNMENT), &wanted), ["Android has no such ABI"]);
        let unstripped = Library { stripped: false, ..library("x86-64", ALIGNMENT) };
        assert_eq!(
            judged("x86_64", &unstripped, &set(&["uniffi_x", "uniffi_y"])),
            ["is not stripped", "does not export uniffi_y"]
        );
    }

    #[test]
    fn small_devices_need_no_large_pages() {
        let small = Library { is_64_bit: false, ..library("arm", 0x1000) };
        assert_eq!(judged("armeabi-v7a", &small, &set(&["uniffi_x"])), Vec::<String>::new());
    }

    #[test]
    fn what_a_device_has_not_is_named() {
        let desktop = Library {
            undefined: set(&["malloc", "__errno_location", "getrandom"]),
            needed: set(&["libc.so", "libc.so.6"]),
            minimum: Some(Minimum::Glibc(2, 34)),
            ..library("aarch64", ALIGNMENT)
        };
        assert_eq!(
            judged("arm64-v8a", &desktop, &set(&["uniffi_x"])),
            [
                "needs libc.so.6, which an app may not count on",
                "wants __errno_location, which is not in android.rs",
                "wants getrandom, which is not in android.rs",
                "is for glibc 2.34, not for Android API 24",
            ]
        );
        let newer = Library { minimum: Some(Minimum::Android(26)), ..library("aarch64", ALIGNMENT) };
        assert_eq!(
            judged("arm64-v8a", &newer, &set(&["uniffi_x"])),
            ["is for Android API 26, not for Android API 24"]
        );
        let silent = Library { minimum: None, ..library("aarch64", ALIGNMENT) };
        assert_eq!(judged("arm64-v8a", &silent, &set(&["uniffi_x"])).len(), 1);
    }

    #[test]
    fn a_name_is_in_one_group_and_each_group_says_why() {
        let mut all = BTreeSet::new();
        for (why, names) in &GROUPS {
            assert!(!why.is_empty());
            assert!(names.iter().all(|name| all.insert(*name)), "twice: {why}");
        }
    }
}
