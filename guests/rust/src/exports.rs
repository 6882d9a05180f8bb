//! What a module exports, and what it brings because there is no system below it.
//!
//! [`resolver!`](crate::resolver) writes it into a module; nothing else calls it. Every call gets a fresh
//! instance, so memory is only ever taken: what was used is gone with the instance.

/// Makes a module of a [`Resolver`](crate::Resolver). Off WebAssembly it exports nothing, so that the same
/// code is tested on the developer's machine.
#[macro_export]
macro_rules! resolver {
    ($resolver:ty) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: [fn(&[u8]) -> Option<$crate::exports::Answer>; 2] =
            [$crate::resolve::<$resolver>, $crate::migrate::<$resolver>];

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            #[global_allocator]
            static MEMORY: $crate::exports::Memory = $crate::exports::Memory::new();

            #[panic_handler]
            fn stop(_: &::core::panic::PanicInfo<'_>) -> ! {
                ::core::arch::wasm32::unreachable()
            }

            #[unsafe(no_mangle)]
            extern "C" fn veilfold_alloc(len: usize) -> *mut u8 {
                $crate::exports::room(len)
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn veilfold_resolve(at: *const u8, len: usize) -> u64 {
                // SAFETY: the question lies where `veilfold_alloc` made room for it.
                unsafe { $crate::exports::answer(at, len, $crate::resolve::<$resolver>) }
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn veilfold_migrate(at: *const u8, len: usize) -> u64 {
                // SAFETY: as above.
                unsafe { $crate::exports::answer(at, len, $crate::migrate::<$resolver>) }
            }
        };
    };
}

/// An answer's bytes.
pub type Answer = alloc::vec::Vec<u8>;

#[cfg(target_arch = "wasm32")]
pub use module::{Memory, answer, room};

#[cfg(target_arch = "wasm32")]
mod module {
    use alloc::vec::Vec;
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size, unreachable};
    use core::sync::atomic::{AtomicUsize, Ordering};

    const PAGE_BYTES: usize = 64 * 1024;

    /// Memory that is taken from the front and never given back.
    pub struct Memory(AtomicUsize);

    impl Memory {
        /// Nothing is taken yet.
        #[allow(clippy::new_without_default, reason = "for a static alone")]
        pub const fn new() -> Self {
            Self(AtomicUsize::new(0))
        }
    }

    // SAFETY: what is handed out lies behind everything that was handed out before, inside of memory.
    unsafe impl GlobalAlloc for Memory {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // What the linker placed lies in the pages that are there at the start.
            let next = match self.0.load(Ordering::Relaxed) {
                0 => memory_size(0) * PAGE_BYTES,
                next => next,
            };
            let end = next
                .checked_next_multiple_of(layout.align())
                .and_then(|start| Some((start, start.checked_add(layout.size())?)));
            let Some((start, end)) = end else { return core::ptr::null_mut() };
            let missing = end.saturating_sub(memory_size(0) * PAGE_BYTES).div_ceil(PAGE_BYTES);
            if missing > 0 && memory_grow(0, missing) == usize::MAX {
                return core::ptr::null_mut();
            }
            self.0.store(end, Ordering::Relaxed);
            start as *mut u8
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    /// Room for a question.
    pub fn room(len: usize) -> *mut u8 {
        Vec::with_capacity(len).leak().as_mut_ptr()
    }

    /// Where the answer lies, and its length. What is no question stops the module.
    ///
    /// # Safety
    /// `len` bytes at `at` are initialized.
    pub unsafe fn answer(at: *const u8, len: usize, answer: fn(&[u8]) -> Option<Vec<u8>>) -> u64 {
        // SAFETY: as the caller says.
        let question = unsafe { core::slice::from_raw_parts(at, len) };
        match answer(question) {
            Some(bytes) => {
                let bytes = bytes.leak();
                (bytes.as_ptr() as u64) << 32 | bytes.len() as u64
            }
            None => unreachable(),
        }
    }
}
