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
