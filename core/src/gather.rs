//! Collecting into ordered maps and sets of std, one element at a time.
//!
//! `collect` sorts first, with a sorting algorithm of its own in the library for every type: 6 KB each.

/// As `collect`, for what comes in order or is short.
pub(crate) fn gather<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(items);
    all
}
