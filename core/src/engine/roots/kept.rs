//! What is kept of roots in one Space: those taken here, what was attached, whom a difference is with.

use crate::documents::{DocumentHashes, short};
use crate::model::{ClaimedRoot, RootDetail, ShortHash, StateRoot};
use crate::sorted::SortedSet;
use crate::store::StoreError;
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::{MemberNo, WireError};

/// Roots are taken at multiples of this many positions.
pub(in super::super) const ROOT_EVERY: u64 = 256;
/// So many are kept.
const KEPT: usize = 8;
/// Further than this behind the Relay none are taken: nobody would compare them.
pub(super) const NEAR: u64 = ROOT_EVERY * KEPT as u64;
/// A root costs a pass over all documents. In a large Space they are taken less often, so that no
/// Entry pays for more documents than these.
const DOCUMENTS_PER_ENTRY: u64 = 4;
/// Format of the row in the store.
const FORMAT: u8 = 1;
/// How often a version of the app attaches what helps to find a difference.
const DETAILS_MAX: u8 = 8;

/// A root with what it was made of, as far as that helps to find a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taken {
    seq: u64,
    root: [u8; 32],
    buckets: Vec<ShortHash>,
    /// The documents of the bucket that is looked at.
    documents: Option<(u64, Vec<(ShortHash, ShortHash)>)>,
}

/// How far a difference with a writer was traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Traced {
    /// It was noticed.
    Root = 1,
    /// To a bucket.
    Bucket = 2,
    /// To documents.
    Documents = 3,
}

/// A writer's root that is not this Device's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Difference {
    pub(in super::super) traced: Traced,
    pub(in super::super) bucket: Option<u64>,
    /// The places of the documents.
    pub(in super::super) places: Vec<ShortHash>,
}

/// What is kept of roots in one Space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Roots {
    /// Oldest first.
    taken: Vec<Taken>,
    /// How many documents there were when the newest was taken.
    documents: u64,
    /// Newest position whose root was attached to an own Entry.
    attached: u64,
    /// Whose root differed first and where, until the Space was folded again.
    suspicion: Option<(u64, u64)>,
    /// The version of the app that folded the Space again.
    checked: Option<[u8; 8]>,
    /// By writer, what that version reported.
    reported: Vec<(u64, Traced)>,
    /// How far to help others.
    detail: Option<Traced>,
    details: u8,
    /// The bucket in which something differs.
    bucket: u64,
}

impl Roots {
    /// Reads what [`Roots::to_bytes`] wrote. What a newer version wrote is forgotten: it helps and decides nothing.
    ///
    /// # Errors
    /// `Corrupt`.
    pub(in super::super) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        if bytes.first() != Some(&FORMAT) {
            return Ok(Self::default());
        }
        Self::read(&mut Reader::new(bytes), bytes.len() as u64).map_err(|_| StoreError::Corrupt("roots"))
    }

    fn read(input: &mut Reader<'_>, most: u64) -> Result<Self, WireError> {
        let mut out = Self::default();
        input.u8("roots.format")?;
        (out.documents, out.attached) = (input.varint("roots.documents")?, input.varint("roots.attached")?);
        let suspicion = (input.varint("roots.position")?, input.varint("roots.author")?);
        out.suspicion = (suspicion.1 != 0).then_some(suspicion);
        let checked = (input.u8("roots.checked")? != 0, input.array("roots.app")?);
        out.checked = checked.0.then_some(checked.1);
        out.detail = traced(input.u8("roots.detail")?);
        (out.details, out.bucket) = (input.u8("roots.details")?, input.varint("roots.bucket")?);
        for _ in 0..input.varint_max(most, "roots.reported")? {
            let author = input.varint("roots.author")?;
            out.reported.extend(traced(input.u8("roots.traced")?).map(|traced| (author, traced)));
        }
        for _ in 0..input.varint_max(most, "roots.taken")? {
            let (seq, root) = (input.varint("roots.seq")?, input.array("roots.root")?);
            let mut taken = Taken { seq, root, buckets: Vec::new(), documents: None };
            for _ in 0..input.varint_max(most, "roots.buckets")? {
                taken.buckets.push(input.array("roots.hash")?);
            }
            if input.u8("roots.looked_at")? != 0 {
                let (bucket, mut hashes) = (input.varint("roots.bucket")?, Vec::new());
                for _ in 0..input.varint_max(most, "roots.documents")? {
                    hashes.push((input.array("roots.place")?, input.array("roots.hash")?));
                }
                taken.documents = Some((bucket, hashes));
            }
            out.taken.push(taken);
        }
        input.end()?;
        Ok(out)
    }

    /// Bytes for the store.
    pub(in super::super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        let (position, author) = self.suspicion.unwrap_or_default();
        out.u8(FORMAT).varint(self.documents).varint(self.attached).varint(position).varint(author);
        out.u8(self.checked.is_some().into()).fixed(&self.checked.unwrap_or_default());
        out.u8(self.detail.map_or(0, |traced| traced as u8)).u8(self.details).varint(self.bucket);
        out.varint(self.reported.len() as u64);
        for (author, traced) in &self.reported {
            out.varint(*author).u8(*traced as u8);
        }
        out.varint(self.taken.len() as u64);
        for taken in &self.taken {
            out.varint(taken.seq).fixed(&taken.root).varint(taken.buckets.len() as u64);
            out.fixed(taken.buckets.as_flattened()).u8(taken.documents.is_some().into());
            if let Some((bucket, hashes)) = &taken.documents {
                out.varint(*bucket).varint(hashes.len() as u64);
                for (place, hash) in hashes {
                    out.fixed(place).fixed(hash);
                }
            }
        }
        out.finish()
    }

    /// Makes the newest root that was not attached yet a wrong one. False when there is none.
    #[cfg(feature = "testing")]
    pub(super) fn invent(&mut self) -> bool {
        let attached = self.attached;
        let newest = self.taken.last_mut().filter(|taken| taken.seq > attached);
        newest.map(|taken| taken.root[0] ^= 1).is_some()
    }

    fn told_of(&self, author: u64) -> Option<Traced> {
        self.reported.iter().find(|(of, _)| *of == author).map(|(_, traced)| *traced)
    }

    /// The first position after `seq` at which a root is taken.
    pub(super) fn due_after(&self, seq: u64, every: u64) -> u64 {
        let spread = (self.documents / (every * DOCUMENTS_PER_ENTRY)).max(1).next_power_of_two();
        (seq / (every * spread) + 1) * every * spread
    }

    pub(super) fn take(
        &mut self,
        seq: u64,
        root: StateRoot,
        buckets: &[[u8; 32]],
        documents: &DocumentHashes,
    ) {
        let looked_at = (self.detail == Some(Traced::Documents)).then_some(self.bucket);
        self.documents = documents.count() as u64;
        if self.taken.len() == KEPT {
            self.taken.remove(0);
        }
        self.taken.push(Taken {
            seq,
            root: root.0,
            buckets: buckets.iter().map(short).collect(),
            documents: looked_at.map(|bucket| (bucket, documents.shorts(bucket))),
        });
    }

    /// What to attach to an own Entry, once for each root. Nothing while it is unsure whether the documents
    /// here are what the log makes of them.
    pub(in super::super) fn claim(&mut self) -> Option<ClaimedRoot> {
        let newest = self.taken.last().filter(|taken| taken.seq > self.attached)?;
        if self.suspicion.is_some() {
            return None;
        }
        self.attached = newest.seq;
        let detail = match self.detail {
            Some(Traced::Bucket) => RootDetail::Buckets(newest.buckets.clone()),
            Some(Traced::Documents) => match newest.documents.clone() {
                Some((bucket, hashes)) => RootDetail::Documents { bucket, hashes },
                None => RootDetail::None,
            },
            Some(Traced::Root) | None => RootDetail::None,
        };
        if detail != RootDetail::None {
            self.details = self.details.saturating_sub(1);
            let told = self.detail == Some(Traced::Documents)
                && self.reported.iter().any(|(_, traced)| *traced == Traced::Documents);
            if self.details == 0 || told {
                self.detail = None;
            }
        }
        Some(ClaimedRoot { seq: newest.seq, root: StateRoot(newest.root), detail: detail.bounded() })
    }

    /// Compares a writer's root with the one taken here; `None` when they are equal or none was taken.
    pub(super) fn compare(&self, claim: &ClaimedRoot) -> Option<Difference> {
        let taken = self.taken.iter().find(|taken| taken.seq == claim.seq)?;
        if taken.root == claim.root.0 {
            return None;
        }
        let noticed = Difference { traced: Traced::Root, bucket: None, places: Vec::new() };
        match (&claim.detail, &taken.documents) {
            (RootDetail::Buckets(theirs), _) if theirs.len() == taken.buckets.len() => {
                let bucket = (0..).zip(theirs).zip(&taken.buckets).find(|((_, a), b)| a != b);
                let bucket = bucket.map(|((number, _), _)| number);
                let traced = if bucket.is_some() { Traced::Bucket } else { Traced::Root };
                Some(Difference { traced, bucket, ..noticed })
            }
            (RootDetail::Documents { bucket, hashes }, Some((looked_at, ours))) if bucket == looked_at => {
                let both = [(hashes, ours), (ours, hashes)];
                let only_one = both.iter().flat_map(|(a, b)| a.iter().filter(|pair| !b.contains(pair)));
                let places: SortedSet<ShortHash> = only_one.map(|(place, _)| *place).collect();
                let places = places.into_iter().collect();
                Some(Difference { traced: Traced::Documents, bucket: Some(*bucket), places })
            }
            // They looked for it already; the next root taken here says what is in that bucket.
            (RootDetail::Documents { bucket, .. }, _) if *bucket < taken.buckets.len() as u64 => {
                Some(Difference { traced: Traced::Bucket, bucket: Some(*bucket), ..noticed })
            }
            _ => Some(noticed),
        }
    }

    /// Notes a difference. True when it is news that this version of the app has not told yet.
    pub(super) fn note(&mut self, author: MemberNo, seq: u64, difference: &Difference, app: [u8; 8]) -> bool {
        if self.checked != Some(app) {
            // The Space is folded again first; if that mends it, there is nothing to tell.
            self.suspicion.get_or_insert((seq, author.0));
            return false;
        }
        let before = self.told_of(author.0);
        if before < Some(Traced::Documents) && self.details > 0 {
            match difference.bucket {
                Some(bucket) => (self.detail, self.bucket) = (Some(Traced::Documents), bucket),
                None => self.detail = self.detail.max(Some(Traced::Bucket)),
            }
        }
        let news = before < Some(difference.traced);
        if news {
            self.reported.retain(|(of, _)| *of != author.0);
            self.reported.push((author.0, difference.traced));
        }
        news
    }

    /// Whose root differed and where, when this version of the app has not folded the Space again yet.
    pub(in super::super) fn suspicion(&self) -> Option<(u64, MemberNo)> {
        self.suspicion.map(|(seq, author)| (seq, MemberNo(author)))
    }

    /// The Space was folded again by this version of the app.
    pub(in super::super) fn checked(&mut self, app: [u8; 8], mended: bool) {
        let writer = self.suspicion.take().filter(|_| !mended);
        self.checked = Some(app);
        self.details = DETAILS_MAX;
        self.detail = writer.map(|_| Traced::Bucket);
        self.reported = writer.map(|(_, author)| (author, Traced::Root)).into_iter().collect();
        if mended {
            self.taken.clear();
        }
    }

    /// A newer version of the app may fold otherwise: what was unexplained is looked at once more.
    pub(in super::super) fn reconsider(&mut self, app: [u8; 8]) -> bool {
        if self.checked.is_none_or(|checked| checked == app) {
            return self.suspicion.is_some();
        }
        let unexplained = self.reported.first().map(|(author, _)| *author);
        if let (None, Some(author)) = (self.suspicion, unexplained) {
            let seq = self.taken.last().map_or(0, |taken| taken.seq);
            self.suspicion = Some((seq, author));
        }
        self.suspicion.is_some()
    }
}

fn traced(byte: u8) -> Option<Traced> {
    [Traced::Root, Traced::Bucket, Traced::Documents].into_iter().find(|traced| *traced as u8 == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: [u8; 8] = [1; 8];
    const BOB: MemberNo = MemberNo(2);

    fn taken(seq: u64, root: u8, buckets: &[u8]) -> Taken {
        let buckets = buckets.iter().map(|bucket| [*bucket; 8]).collect();
        Taken { seq, root: [root; 32], buckets, documents: None }
    }

    fn claim(seq: u64, root: u8, detail: RootDetail) -> ClaimedRoot {
        ClaimedRoot { seq, root: StateRoot([root; 32]), detail }
    }

    fn with(taken: Taken) -> Roots {
        Roots { taken: [taken].into(), ..Roots::default() }
    }

    #[test]
    fn no_entry_pays_for_more_documents_than_a_few() {
        let due = |documents, seq| Roots { documents, ..Roots::default() }.due_after(seq, ROOT_EVERY);
        assert_eq!((due(0, 0), due(0, 255), due(0, 256)), (256, 256, 512));
        assert_eq!((due(1_024, 256), due(2_048, 256), due(2_048, 512)), (512, 512, 1_024));
        for documents in [1, 10_000, 100_000, 10_000_000] {
            let apart = due(documents, 0);
            assert!(apart.is_multiple_of(ROOT_EVERY) && documents <= 2 * DOCUMENTS_PER_ENTRY * apart);
            assert!(
                apart == ROOT_EVERY || documents * 2 > DOCUMENTS_PER_ENTRY * apart,
                "not rarer than that"
            );
        }
    }

    #[test]
    fn a_root_is_attached_once_and_not_while_in_doubt() {
        let mut roots = with(taken(256, 1, &[1]));
        assert_eq!(roots.claim(), Some(claim(256, 1, RootDetail::None)));
        assert_eq!(roots.claim(), None);
        roots.taken.push(taken(512, 2, &[1]));
        let theirs = roots.compare(&claim(512, 3, RootDetail::None)).unwrap();
        assert!(!roots.note(BOB, 512, &theirs, APP), "looked at first");
        assert_eq!((roots.claim(), roots.suspicion()), (None, Some((512, BOB))));
        roots.checked(APP, false);
        assert_eq!(roots.claim(), Some(claim(512, 2, RootDetail::Buckets(vec![[1; 8]]))));
        // What was mended is not attached any more.
        roots.taken.push(taken(768, 2, &[1]));
        roots.checked(APP, true);
        assert_eq!(roots.claim(), None);
    }

    #[test]
    fn what_differs_is_told_once_for_each_thing_found() {
        let mut roots = with(taken(256, 1, &[1, 2, 3, 4]));
        assert_eq!(roots.compare(&claim(512, 9, RootDetail::None)), None, "none was taken there");
        assert_eq!(roots.compare(&claim(256, 1, RootDetail::None)), None);
        let first = roots.compare(&claim(256, 9, RootDetail::None)).unwrap();
        roots.note(BOB, 256, &first, APP);
        roots.checked(APP, false);
        assert!(!roots.note(BOB, 256, &first, APP), "told when the Space was folded again");
        assert!(roots.note(MemberNo(3), 256, &first, APP));
        let buckets = RootDetail::Buckets([1, 2, 7, 7].map(|bucket| [bucket; 8]).to_vec());
        let second = roots.compare(&claim(256, 9, buckets)).unwrap();
        assert_eq!((second.traced, second.bucket), (Traced::Bucket, Some(2)));
        assert!(roots.note(BOB, 256, &second, APP) && !roots.note(BOB, 256, &second, APP));
        assert_eq!((roots.detail, roots.bucket), (Some(Traced::Documents), 2));
        let pair = |place: u8, hash: u8| ([place; 8], [hash; 8]);
        let ours = vec![pair(1, 1), pair(2, 2), pair(3, 3)];
        roots.taken[0].documents = Some((2, ours));
        let hashes = vec![pair(1, 1), pair(2, 9), pair(4, 4)];
        let third = roots.compare(&claim(256, 9, RootDetail::Documents { bucket: 2, hashes })).unwrap();
        assert_eq!(third.places, [[2; 8], [3; 8], [4; 8]], "another, only here, only there");
        assert!(roots.note(BOB, 256, &third, APP) && !roots.note(BOB, 256, &second, APP));
        assert_eq!(Roots::from_bytes(&roots.to_bytes()), Ok(roots.clone()));
        roots.suspicion = Some((300, 7));
        let bytes = roots.to_bytes();
        assert_eq!(Roots::from_bytes(&bytes), Ok(roots));
        assert!(Roots::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(Roots::from_bytes(&[2, 9]), Ok(Roots::default()), "of a newer version");
    }

    #[test]
    fn details_are_told_a_few_times_and_no_more() {
        let mut roots = with(taken(1, 1, &[1]));
        roots.note(BOB, 1, &roots.compare(&claim(1, 2, RootDetail::None)).unwrap(), APP);
        roots.checked(APP, false);
        let mut told = 0;
        for seq in 2..100 {
            roots.taken.push(taken(seq, 1, &[1]));
            let theirs = claim(seq, 2, RootDetail::None);
            let difference = roots.compare(&theirs).unwrap();
            roots.note(BOB, seq, &difference, APP);
            told += usize::from(roots.claim().unwrap().detail != RootDetail::None);
        }
        assert_eq!(told, usize::from(DETAILS_MAX));
    }

    #[test]
    fn another_version_of_the_app_looks_once_more() {
        let mut roots = with(taken(256, 1, &[1]));
        assert!(!roots.reconsider(APP));
        let theirs = roots.compare(&claim(256, 2, RootDetail::None)).unwrap();
        roots.note(BOB, 256, &theirs, APP);
        assert!(roots.reconsider(APP), "a process that was killed before it was done");
        roots.checked(APP, false);
        assert!(!roots.reconsider(APP));
        assert!(roots.reconsider([2; 8]));
        assert_eq!(roots.suspicion(), Some((256, BOB)));
        roots.checked([2; 8], true);
        assert!(!roots.reconsider([3; 8]), "nothing is unexplained");
    }
}
