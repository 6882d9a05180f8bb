//! A module where the library can run none, and one that is none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use veilfold_ffi::{ResolverSet, VeilfoldError};

#[test]
fn a_module_that_cannot_be_brought_is_refused_with_what_to_do() {
    let set = ResolverSet::empty().unwrap();
    let error = set.add_module("tickets".to_owned(), 1, b"no module").unwrap_err();
    let VeilfoldError::Invalid { code, detail } = error else { panic!("{error}") };
    if cfg!(feature = "wasm") {
        assert_eq!(code, "bad_module");
    } else {
        assert_eq!(code, "no_wasm");
        assert!(detail.contains("build it with the feature `wasm`"), "{detail}");
    }
}
