//! The resolvers that this version of the app has, by collection and version.

use super::custom::RunResolver;
use crate::sorted::SortedMap;
use std::fmt;
use std::sync::Arc;

/// All of them, old versions too: what was written for a version is folded by it for ever.
#[derive(Clone, Default)]
pub struct Resolvers(Arc<SortedMap<(String, u64), Arc<dyn RunResolver>>>);

impl Resolvers {
    /// Adds a version, from 1, of a collection's resolver.
    #[must_use]
    pub fn with(
        self,
        collection: impl Into<String>,
        version: u64,
        resolver: impl RunResolver + 'static,
    ) -> Self {
        self.with_shared(collection, version, Arc::new(resolver))
    }

    /// As [`Resolvers::with`].
    #[must_use]
    pub fn with_shared(
        self,
        collection: impl Into<String>,
        version: u64,
        resolver: Arc<dyn RunResolver>,
    ) -> Self {
        let mut all = Arc::unwrap_or_clone(self.0);
        all.insert((collection.into(), version), resolver);
        Self(Arc::new(all))
    }

    /// The same resolvers, each wrapped in another.
    #[must_use]
    pub fn map(self, wrap: impl Fn(Arc<dyn RunResolver>) -> Arc<dyn RunResolver>) -> Self {
        let wrapped = self.0.iter().map(|(name, resolver)| (name.clone(), wrap(resolver.clone())));
        Self(Arc::new(wrapped.collect()))
    }

    /// The resolver of that version.
    pub fn get(&self, collection: &str, version: u64) -> Option<&Arc<dyn RunResolver>> {
        self.0.get(&(collection.to_owned(), version))
    }

    /// True when this app has that version, and of a pinned module the very same bytes.
    pub fn knows(&self, collection: &str, version: u64, module: Option<&[u8; 32]>) -> bool {
        self.get(collection, version).is_some_and(|known| known.module().as_ref() == module)
    }

    /// The newest version of each collection, with the hash of its module if it is pinned.
    pub fn newest(&self) -> impl Iterator<Item = (&str, u64, Option<[u8; 32]>)> {
        let mut newest: SortedMap<&str, (u64, &Arc<dyn RunResolver>)> = SortedMap::new();
        for ((collection, version), resolver) in self.0.iter() {
            newest.insert(collection, (*version, resolver));
        }
        newest.into_iter().map(|(collection, (version, resolver))| (collection, version, resolver.module()))
    }

    /// True when the app brings none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Resolvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fields;
    use crate::resolver::{Outcome, Run, Stuck};

    /// One that is pinned by a module's hash, or is not.
    struct Pinned(Option<[u8; 32]>);

    impl RunResolver for Pinned {
        fn run(&self, _: u64, _: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
            Err(Stuck("not asked here"))
        }

        fn migrate(&self, _: u64, _: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
            Err(Stuck("not asked here"))
        }

        fn module(&self) -> Option<[u8; 32]> {
            self.0
        }
    }

    fn three() -> Resolvers {
        let resolvers = Resolvers::default().with("seats", 2, Pinned(Some([2; 32])));
        resolvers.with("notes", 7, Pinned(None)).with("seats", 1, Pinned(None))
    }

    #[test]
    fn resolvers_are_found_by_collection_and_version() {
        let resolvers = three();
        assert!(Resolvers::default().is_empty() && !resolvers.is_empty());
        let module = |collection, version| resolvers.get(collection, version).map(|found| found.module());
        assert_eq!((module("seats", 2), module("seats", 1)), (Some(Some([2; 32])), Some(None)));
        assert_eq!((module("notes", 1), module("x", 1)), (None, None));
        let newest: Vec<_> = resolvers.newest().collect();
        assert_eq!(newest, [("notes", 7, None), ("seats", 2, Some([2; 32]))]);
        assert_eq!(format!("{resolvers:?}"), r#"{("notes", 7), ("seats", 1), ("seats", 2)}"#);
    }

    #[test]
    fn a_pinned_version_is_known_by_its_bytes_alone() {
        let knows = |version, module: Option<[u8; 32]>| three().knows("seats", version, module.as_ref());
        assert!(knows(2, Some([2; 32])) && !knows(2, Some([3; 32])) && !knows(2, None));
        assert!(knows(1, None) && !knows(1, Some([2; 32])) && !knows(3, None));
    }

    #[test]
    fn each_can_be_wrapped_in_another() {
        let wrapped = three().map(|inner| match inner.module() {
            Some(_) => Arc::new(Pinned(Some([9; 32]))),
            None => inner,
        });
        let newest: Vec<_> = wrapped.newest().collect();
        assert_eq!(newest, [("notes", 7, None), ("seats", 2, Some([9; 32]))]);
        assert!(wrapped.get("seats", 1).is_some());
    }
}
