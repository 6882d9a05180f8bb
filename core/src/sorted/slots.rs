//! In which order the slots of a vector are to be read, so that their keys come in order.
//!
//! What `map.rs` does that is the same whatever keys and values are: the library has it once. A few
//! rows lie in order themselves. More than that stay where they are, and lists of slots, none of them
//! long, say the order.

use std::cmp::Ordering;

/// Up to so many rows make room for one between them, or close up.
const MOVED_MAX: usize = 64;
/// Longest list of slots; it is split in two then.
const LIST_MAX: usize = 512;

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    list: usize,
    /// In its list; without lists it is the slot.
    pub(super) at: usize,
}

/// Lists of slots, none of them empty; no list while every row lies in its place. A slot has four
/// bytes: memory ends before it does.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots(Vec<Vec<u32>>);

impl Slots {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The place of a key among `rows`, or where it would be; `compare` says how the key of a slot
    /// compares to it.
    pub(super) fn find(
        &self,
        rows: usize,
        compare: &mut dyn FnMut(usize) -> Ordering,
    ) -> Result<Place, Place> {
        let end = self.end(rows);
        // What comes in order belongs at the end.
        if rows == 0 || self.before(end).is_none_or(|last| compare(self.slot(last)) == Ordering::Less) {
            return Err(end);
        }
        let list = match self.0.len().checked_sub(1) {
            None => 0,
            Some(last) => {
                let ends = |list: usize| self.0[list].last().map_or(0, |slot| *slot as usize);
                search(last, &mut |list| compare(ends(list))).unwrap_or_else(|list| list)
            }
        };
        let length = self.0.get(list).map_or(rows, Vec::len);
        let place = |at| Place { list, at };
        search(length, &mut |at| compare(self.slot(place(at)))).map(place).map_err(place)
    }

    /// The slot at a place where there is a row.
    pub(super) fn slot(&self, place: Place) -> usize {
        match self.0.get(place.list) {
            Some(list) => list[place.at] as usize,
            None => place.at,
        }
    }

    /// A row is added to `rows` at this place: gives the slot that it goes into, from which on the
    /// others move up.
    pub(super) fn insert(&mut self, place: Place, rows: usize) -> usize {
        let mut place = place;
        if self.0.is_empty() {
            if place.at == rows || rows < MOVED_MAX {
                return place.at;
            }
            place = self.spread(place.at, rows);
        }
        let list = &mut self.0[place.list];
        list.insert(place.at, rows as u32);
        if list.len() > LIST_MAX {
            let upper = list.split_off(LIST_MAX / 2);
            self.0.insert(place.list + 1, upper);
        }
        rows
    }

    /// The row at this place is taken out of `rows`: gives its slot, which the last row fills; `None`
    /// when the others close up.
    pub(super) fn remove(&mut self, place: Place, rows: usize) -> Option<usize> {
        let mut place = place;
        if self.0.is_empty() {
            if place.at + 1 == rows || rows <= MOVED_MAX {
                return None;
            }
            place = self.spread(place.at, rows);
        }
        let slot = self.0[place.list].remove(place.at);
        if self.0[place.list].is_empty() {
            self.0.remove(place.list);
        }
        Some(slot as usize)
    }

    /// The row at this place lies in another slot now.
    pub(super) fn set(&mut self, place: Place, slot: usize) {
        self.0[place.list][place.at] = slot as u32;
    }

    /// Brings every row to its place; `swap` exchanges two.
    pub(super) fn settle(&mut self, swap: &mut dyn FnMut(usize, usize)) {
        let mut from = core::mem::take(&mut self.0).concat();
        for start in 0..from.len() {
            let mut to = start;
            loop {
                let source = core::mem::replace(&mut from[to], to as u32) as usize;
                if source == start {
                    break;
                }
                swap(to, source);
                to = source;
            }
        }
    }

    /// Slots in order from a place to another.
    pub(super) fn walk(&self, next: Place, end: Place) -> Walk<'_> {
        Walk { slots: self, next, end }
    }

    /// Before the first row.
    pub(super) fn start(&self) -> Place {
        Place { list: 0, at: 0 }
    }

    /// After the last of `rows`.
    pub(super) fn end(&self, rows: usize) -> Place {
        match self.0.last() {
            Some(last) => Place { list: self.0.len() - 1, at: last.len() },
            None => Place { list: 0, at: rows },
        }
    }

    fn before(&self, place: Place) -> Option<Place> {
        match (place.at.checked_sub(1), place.list.checked_sub(1)) {
            (Some(at), _) => Some(Place { at, ..place }),
            (None, Some(list)) => Some(Place { list, at: self.0[list].len() - 1 }),
            (None, None) => None,
        }
    }

    fn after(&self, place: Place) -> Place {
        let at = place.at + 1;
        match self.0.get(place.list) {
            Some(list) if at == list.len() && place.list + 1 < self.0.len() => {
                Place { list: place.list + 1, at: 0 }
            }
            _ => Place { at, ..place },
        }
    }

    /// Makes lists for rows that lie in order; gives the place of one of them.
    fn spread(&mut self, row: usize, rows: usize) -> Place {
        const LENGTH: usize = LIST_MAX / 2;
        let slots: Vec<u32> = (0..rows as u32).collect();
        self.0 = slots.chunks(LENGTH).map(<[u32]>::to_vec).collect();
        Place { list: row / LENGTH, at: row % LENGTH }
    }
}

/// Goes over slots from both ends.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    slots: &'a Slots,
    next: Place,
    end: Place,
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = (self.next < self.end).then_some(self.next)?;
        self.next = self.slots.after(place);
        Some(self.slots.slot(place))
    }
}

impl DoubleEndedIterator for Walk<'_> {
    fn next_back(&mut self) -> Option<usize> {
        self.end = self.slots.before(self.end).filter(|last| self.next <= *last)?;
        Some(self.slots.slot(self.end))
    }
}

/// Where `compare` says equal, or where it would.
fn search(length: usize, compare: &mut dyn FnMut(usize) -> Ordering) -> Result<usize, usize> {
    let (mut first, mut end) = (0, length);
    while first < end {
        let middle = first + (end - first) / 2;
        match compare(middle) {
            Ordering::Less => first = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => end = middle,
        }
    }
    Err(first)
}
