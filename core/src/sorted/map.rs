//! A map with its keys in order.

use super::slots::{Place, Slots, Walk};
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;

/// Keys in order, each with its value. Right for few and for hundreds of thousands.
#[derive(Clone)]
pub struct SortedMap<K, V> {
    rows: Vec<(K, V)>,
    slots: Slots,
}

impl<K, V> SortedMap<K, V> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { rows: Vec::new(), slots: Slots::new() }
    }

    /// True without any key.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// All pairs in the order of their keys.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.between(self.slots.start(), self.slots.end(self.rows.len()))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// As [`SortedMap::iter`], with values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.settle();
        self.rows.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// As [`SortedMap::values`], to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// All pairs in the order of their keys.
    pub fn into_rows(mut self) -> Vec<(K, V)> {
        self.settle();
        self.rows
    }

    /// The smallest key and its value.
    pub fn first(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// The largest key and its value.
    pub fn last(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    fn between(&self, next: Place, end: Place) -> Iter<'_, K, V> {
        Iter { rows: &self.rows, walk: self.slots.walk(next, end) }
    }

    fn settle(&mut self) {
        let rows = &mut self.rows;
        self.slots.settle(&mut |a, b| rows.swap(a, b));
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Place, Place>
    where
        K: Borrow<Q>,
    {
        let compare = &mut |slot: usize| match self.rows.get(slot) {
            Some((other, _)) => other.borrow().cmp(key),
            None => Ordering::Greater,
        };
        self.slots.find(self.rows.len(), compare)
    }

    fn slot<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|place| self.slots.slot(place))
    }

    fn put(&mut self, place: Place, key: K, value: V) -> usize {
        let slot = self.slots.insert(place, self.rows.len());
        self.rows.insert(slot, (key, value));
        slot
    }

    fn take(&mut self, place: Place) -> (K, V) {
        let rows = self.rows.len();
        let Some(slot) = self.slots.remove(place, rows) else { return self.rows.remove(place.at) };
        // The last row fills the slot.
        if slot + 1 < rows {
            let (Ok(last) | Err(last)) = self.find(&self.rows[rows - 1].0);
            self.slots.set(last, slot);
        }
        self.rows.swap_remove(slot)
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.slot(key).map(|slot| &self.rows[slot].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.slot(key).map(|slot| &mut self.rows[slot].1)
    }

    /// True if it has the key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Gives a key its value, and what it had before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(place) => {
                let slot = self.slots.slot(place);
                Some(core::mem::replace(&mut self.rows[slot].1, value))
            }
            Err(place) => {
                self.put(place, key, value);
                None
            }
        }
    }

    /// The value of a key, made if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let slot = match self.find(&key) {
            Ok(place) => self.slots.slot(place),
            Err(place) => self.put(place, key, make()),
        };
        &mut self.rows[slot].1
    }

    /// Takes a key out, with its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|place| self.take(place).1)
    }

    /// Takes the smallest key out, with its value.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.is_empty()).then(|| self.take(self.slots.start()))
    }

    /// The pairs from a key on.
    pub fn range_from<Q: Ord + ?Sized>(&self, first: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let (Ok(first) | Err(first)) = self.find(first);
        self.between(first, self.slots.end(self.rows.len()))
    }

    /// The pairs from a key on and before another.
    pub fn range<Q: Ord + ?Sized>(&self, first: &Q, end: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let (Ok(first) | Err(first)) = self.find(first);
        let (Ok(end) | Err(end)) = self.find(end);
        self.between(first, end)
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SortedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for SortedMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        for (key, value) in pairs {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_rows().into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Pairs in the order of their keys.
#[derive(Debug)]
pub struct Iter<'a, K, V> {
    rows: &'a [(K, V)],
    walk: Walk<'a>,
}

impl<'a, K, V> Iter<'a, K, V> {
    fn pair(&self, slot: usize) -> (&'a K, &'a V) {
        let (key, value) = &self.rows[slot];
        (key, value)
    }
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { rows: self.rows, walk: self.walk.clone() }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next().map(|slot| self.pair(slot))
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.walk.next_back().map(|slot| self.pair(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Numbers in no order.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    fn assert_same(map: &SortedMap<String, u64>, model: &BTreeMap<String, u64>) {
        assert!(map.iter().eq(model) && map.iter().rev().eq(model.iter().rev()));
        assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
        assert_eq!((map.first(), map.last()), (model.first_key_value(), model.last_key_value()));
    }

    /// One call of both, and of what reads one key.
    fn step(dice: &mut Dice, keys: u64, map: &mut SortedMap<String, u64>, model: &mut BTreeMap<String, u64>) {
        let (key, other) = (dice.below(keys).to_string(), dice.below(keys).to_string());
        let value = dice.below(1000);
        match dice.below(10) {
            0..4 => assert_eq!(map.insert(key.clone(), value), model.insert(key.clone(), value)),
            4..7 => assert_eq!(map.remove(&*key), model.remove(&key)),
            7 => {
                *map.get_or_insert_with(key.clone(), || value) += 1;
                *model.entry(key.clone()).or_insert(value) += 1;
            }
            8 => assert_eq!(map.pop_first(), model.pop_first()),
            _ => {
                if let Some(value) = map.get_mut(&*key) {
                    *value += 1;
                    model.insert(key.clone(), *value);
                }
            }
        }
        assert_eq!(map.get(&*key), model.get(&key));
        assert_eq!(map.contains_key(&*other), model.contains_key(&other));
        assert!(map.range_from(&*key).take(9).eq(model.range(key.clone()..).take(9)));
        let some = map.range(&*key, &*other);
        if key <= other {
            let wanted = model.range(key..other);
            assert!(some.clone().take(9).eq(wanted.clone().take(9)));
            assert!(some.rev().take(9).eq(wanted.rev().take(9)));
        } else {
            assert_eq!((some.clone().next(), some.clone().next_back()), (None, None));
        }
    }

    #[test]
    fn it_does_what_an_ordered_map_does() {
        // So many keys that rows are moved, that they stay where they are, and that lists are split.
        for (seed, keys) in [(1, 5), (2, 60), (3, 130), (4, 300), (5, 3000), (6, 9000)] {
            let (mut dice, mut map, mut model) = (Dice(seed), SortedMap::new(), BTreeMap::new());
            for round in 0..20 {
                for _ in 0..keys {
                    step(&mut dice, keys, &mut map, &mut model);
                }
                assert_same(&map, &model);
                if round % 4 == 3 {
                    map.values_mut().for_each(|value| *value += 1);
                    model.values_mut().for_each(|value| *value += 1);
                    assert!(map.iter_mut().map(|(key, value)| (key, &*value)).eq(model.iter()));
                }
            }
            let half = map.keys().filter(|key| key.len() % 2 == 0).cloned().collect::<Vec<_>>();
            half.iter().for_each(|key| assert_eq!(map.remove(key), model.remove(key)));
            assert_same(&map, &model);
            assert_eq!(map.clone().into_rows(), model.clone().into_iter().collect::<Vec<_>>());
            assert!(map == model.clone().into_iter().rev().collect());
            while let Some(first) = model.pop_first() {
                assert_eq!(map.pop_first(), Some(first));
            }
            assert_same(&map, &model);
        }
    }

    #[test]
    fn a_hundred_thousand_rows_go_in_and_out_in_any_order() {
        const ROWS: u64 = 100_000;
        // A step that has no factor in common with the count comes by every key once.
        for (into, out_of) in [(1, 1), (1, 77_777), (77_777, 1), (77_777, 99_999), (99_999, 1), (33_333, 7)] {
            let mut map = SortedMap::new();
            for step in 0..ROWS {
                assert_eq!(map.insert(step * into % ROWS, step), None);
            }
            assert!(map.keys().copied().eq(0..ROWS));
            assert!(map.iter().all(|(key, step)| step * into % ROWS == *key));
            for step in 0..ROWS {
                let key = step * out_of % ROWS;
                assert_eq!(map.remove(&key).map(|step| step * into % ROWS), Some(key));
                assert_eq!(map.len() as u64, ROWS - 1 - step);
            }
            assert!(map.is_empty() && map.first().is_none() && map.last().is_none());
        }
    }

    #[test]
    fn equal_maps_are_equal_however_they_came_about() {
        let up: SortedMap<u64, u64> = (0..1000).map(|key| (key, key)).collect();
        let mut down: SortedMap<u64, u64> = (0..1000).rev().map(|key| (key, key)).collect();
        assert!(up == down && format!("{up:?}") == format!("{down:?}"));
        down.insert(500, 0);
        assert!(up != down);
        down.clear();
        assert!(down == SortedMap::default());
    }
}
