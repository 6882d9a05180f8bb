//! How often the app's resolvers are asked, and what their answers come to.

use super::*;
use crate::resolver::{Call, Enable, Refusal, Resolver};
use std::sync::atomic::{AtomicUsize, Ordering};
use veilfold_wire::MemberNo;

/// Writes down which version it is; `end` deletes.
struct Says(i64);

impl Resolver for Says {
    fn resolve(&self, _: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        Ok((call.name != "end").then(|| [("by".to_owned(), Value::Int(self.0))].into()))
    }
}

#[test]
fn what_was_foreseen_is_what_is_found_one_at_a_time() {
    let resolvers = Resolvers::default().with("c", 1, Says(1)).with("c", 2, Says(2));
    let mut enabled = Enabled::default();
    let enable = |version| Enable { collection: "c".to_owned(), version, module: None };
    enabled.enable(&[enable(1), enable(2)]);
    let key = DocumentKey::new("c", "d");
    // A document of version 2 meets old calls; one of them deletes it, the next makes it anew.
    let calls: Vec<CallOp> = ["say", "end", "say", "say"]
        .map(|name| CallOp { version: 1, name: name.to_owned(), args: Value::Null })
        .into();
    let context = |seq| FoldContext {
        author: MemberNo(1),
        position: Position { seq, index: 0 },
        time_ms: 0,
        tx_id: crate::model::TxId([1; 8]),
        base_seq: 0,
        elements: 0,
    };
    let start = Image { fields: Some(Fields::new()), format: 2, ..Image::ABSENT };
    let fold = |governed: &mut Governed<'_>| {
        let mut image = start.clone();
        let mut seen = Vec::new();
        for (op, seq) in calls.iter().zip(1..) {
            let changed = governed.call(&mut image, &key, op, &context(seq)).unwrap().unwrap();
            if changed {
                image.touch(MemberNo(1), Position { seq, index: 0 });
            }
            seen.push(image.clone());
        }
        seen
    };
    let coming = calls.iter().zip(1..).map(|(op, seq)| Coming {
        position: Position { seq, index: 0 },
        key: &key,
        op,
        context: context(seq),
    });
    let mut ahead = Governed::new(&resolvers, &enabled);
    ahead.foresee(coming.collect(), |_| Ok::<_, ()>(start.clone())).unwrap();
    let found = fold(&mut Governed::new(&resolvers, &enabled));
    assert_eq!(fold(&mut ahead), found);
    assert_eq!(found.iter().map(|image| image.format).collect::<Vec<_>>(), [2, 0, 1, 1]);
}

fn context(seq: u64) -> FoldContext {
    FoldContext {
        author: MemberNo(1),
        position: Position { seq, index: 0 },
        time_ms: 0,
        tx_id: crate::model::TxId([1; 8]),
        base_seq: 0,
        elements: 0,
    }
}

fn enabled(versions: &[u64]) -> Enabled {
    let enable = |version: &u64| Enable { collection: "c".to_owned(), version: *version, module: None };
    let mut enabled = Enabled::default();
    enabled.enable(&versions.iter().map(enable).collect::<Vec<_>>());
    enabled
}

fn call_of(version: u64, name: &str) -> CallOp {
    CallOp { version, name: name.to_owned(), args: Value::Null }
}

fn key(document: &str) -> DocumentKey {
    DocumentKey::new("c", document)
}

/// Gives what a function says, and counts how often it is asked.
struct Told<F>(F, Arc<AtomicUsize>);

impl<F: Fn(&Run) -> Result<Vec<Outcome>, Stuck> + Send + Sync> RunResolver for Told<F> {
    fn run(&self, _: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        self.1.fetch_add(1, Ordering::Relaxed);
        runs.iter().map(&self.0).collect()
    }

    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let migrated = |(format, _): (u64, Fields)| (format > 0).then(|| version_of(version));
        Ok(states.into_iter().map(migrated).collect())
    }
}

fn version_of(version: u64) -> Fields {
    [("version".to_owned(), Value::Int(version as i64))].into()
}

/// The only resolver of version 1, and how often it was asked.
fn told(
    says: impl Fn(&Run) -> Result<Vec<Outcome>, Stuck> + Send + Sync + 'static,
) -> (Resolvers, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    (Resolvers::default().with("c", 1, Told(says, asked.clone())), asked)
}

/// What a single call comes to on a document that does not exist.
fn outcome(
    says: impl Fn(&Run) -> Result<Vec<Outcome>, Stuck> + Send + Sync + 'static,
) -> (Result<bool, RejectReason>, Image) {
    let (resolvers, _) = told(says);
    let (enabled, mut image) = (enabled(&[1]), Image::ABSENT);
    let mut governed = Governed::new(&resolvers, &enabled);
    let told = governed.call(&mut image, &key("d"), &call_of(1, "n"), &context(1)).unwrap();
    (told.map_err(|rejection| rejection.reason), image)
}

fn text_of(bytes: usize) -> Option<Fields> {
    Some([("t".to_owned(), Value::String("x".repeat(bytes)))].into())
}

#[test]
fn an_answer_has_to_be_a_document_within_the_limits() {
    let state = |fields: Option<Fields>| move |_: &Run| Ok(vec![Outcome::State(fields.clone())]);
    let (told, image) = outcome(state(Some(version_of(5))));
    assert_eq!((told, image.fields, image.format), (Ok(true), Some(version_of(5)), 1));
    assert_eq!(outcome(state(None)), (Ok(false), Image::ABSENT));
    let list = Value::List(vec![]);
    let odd = Some(Fields::from([("l".to_owned(), list)]));
    assert_eq!(outcome(state(odd)), (Err(RejectReason::ResolverFailed), Image::ABSENT));
    // A map of one, a name of one byte, and a text with four bytes of length.
    let most = DOCUMENT_BYTES_MAX - 1 - 2 - 5;
    assert_eq!(outcome(state(text_of(most))).0, Ok(true));
    assert_eq!(outcome(state(text_of(most + 1))), (Err(RejectReason::ResolverLimit), Image::ABSENT));
    assert_eq!(outcome(|_| Ok(vec![])).0, Err(RejectReason::ResolverFailed));
    let no = Outcome::Rejected(RejectReason::RefusedByResolver, Some("no".to_owned()));
    assert_eq!(outcome(move |_| Ok(vec![no.clone()])).0, Err(RejectReason::RefusedByResolver));
    let limit = Outcome::Rejected(RejectReason::ResolverLimit, None);
    assert_eq!(outcome(move |_| Ok(vec![limit.clone()])).0, Err(RejectReason::ResolverLimit));
}

#[test]
fn a_document_changes_by_its_fields_or_by_its_format() {
    let (resolvers, _) = told(|_| Ok(vec![Outcome::State(Some(version_of(1)))]));
    let enabled = enabled(&[1]);
    let mut governed = Governed::new(&resolvers, &enabled);
    let mut call = |format, fields| {
        let mut image = Image { fields: Some(fields), format, ..Image::ABSENT };
        let told = governed.call(&mut image, &key("d"), &call_of(1, "n"), &context(1));
        (told.unwrap().unwrap(), image.format)
    };
    assert_eq!(call(0, version_of(1)), (true, 1));
    assert_eq!(call(1, version_of(1)), (false, 1));
    assert_eq!(call(1, version_of(2)), (true, 1));
}

#[test]
fn a_resolver_that_this_app_lacks_or_that_does_not_answer_decides_nothing() {
    let (resolvers, asked) = told(|_| Err(Stuck("busy")));
    let both = enabled(&[1, 2]);
    let mut governed = Governed::new(&resolvers, &both);
    let mut image = Image::ABSENT;
    let mut call = |version| governed.call(&mut image, &key("d"), &call_of(version, "n"), &context(1));
    let silent = |version, missing| Err(Silent { collection: "c".to_owned(), version, missing });
    assert_eq!(call(2), silent(2, true));
    assert_eq!(call(1), silent(1, false));
    assert_eq!((call(1), asked.load(Ordering::Relaxed)), (silent(1, false), 1), "not asked again");
    assert_eq!(call(3), Ok(Err(RejectReason::VersionNotEnabled.at(&key("d")))));
    assert!(governed.governs("c") && !governed.governs("other"));
    // One of other bytes than the Space has pinned is as good as none.
    let mut pinned = Enabled::default();
    pinned.enable(&[Enable { collection: "c".to_owned(), version: 1, module: Some([1; 32]) }]);
    let mut governed = Governed::new(&resolvers, &pinned);
    let told = governed.call(&mut Image::ABSENT.clone(), &key("d"), &call_of(1, "n"), &context(1));
    assert_eq!(told, silent(1, true));
}

/// Appends the number of calls so far.
fn counting(run: &Run) -> Result<Vec<Outcome>, Stuck> {
    let start = run.state.as_ref().and_then(|fields| match fields.get("calls") {
        Some(Value::Int(calls)) => Some(*calls),
        _ => None,
    });
    let told = |calls: i64| match calls {
        3 => Outcome::Rejected(RejectReason::RefusedByResolver, None),
        calls => Outcome::State(Some([("calls".to_owned(), Value::Int(calls))].into())),
    };
    // The third is refused, so the fourth is the third again.
    Ok(run
        .calls
        .iter()
        .scan(start.unwrap_or(0), |calls, _| {
            let outcome = told(*calls + 1);
            *calls += i64::from(matches!(outcome, Outcome::State(_)));
            Some(outcome)
        })
        .collect())
}

fn coming<'a>(key: &'a DocumentKey, op: &'a CallOp, seq: u64) -> Coming<'a> {
    Coming { position: Position { seq, index: 0 }, key, op, context: context(seq) }
}

#[test]
fn what_is_coming_is_asked_for_once() {
    let (resolvers, asked) = told(counting);
    let enabled = enabled(&[1]);
    let mut governed = Governed::new(&resolvers, &enabled);
    let (a, b, op, unknown) = (key("a"), key("b"), call_of(1, "n"), call_of(7, "n"));
    let all = vec![coming(&a, &op, 1), coming(&b, &op, 2), coming(&a, &op, 3), coming(&a, &unknown, 4)];
    governed.foresee(all, |_| Ok::<_, ()>(Image::ABSENT)).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let mut images = [Image::ABSENT, Image::ABSENT];
    for (document, seq) in [(0, 1), (1, 2), (0, 3)] {
        let told = governed.call(&mut images[document], [&a, &b][document], &op, &context(seq));
        assert_eq!(told, Ok(Ok(true)));
        images[document].touch(MemberNo(1), Position { seq, index: 0 });
    }
    let calls = images.map(|image| image.fields.and_then(|mut fields| fields.remove("calls")));
    assert_eq!((calls, asked.load(Ordering::Relaxed)), ([Some(Value::Int(2)), Some(Value::Int(1))], 1));
    // Nothing is left over.
    let mut image = Image::ABSENT;
    governed.call(&mut image, &a, &op, &context(3)).unwrap().unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[test]
fn what_was_foreseen_is_of_no_use_once_something_else_happened() {
    let (resolvers, asked) = told(counting);
    let enabled = enabled(&[1]);
    let (a, op) = (key("a"), call_of(1, "n"));
    for (seqs, crossings) in [
        // All as foreseen, the third refused; without that one, as its Transaction was rejected before its
        // turn; the same with one that would not have been refused, which makes what comes after it
        // something else; one at a place that nobody foresaw.
        (vec![1, 2, 3, 4], 1),
        (vec![1, 2, 4], 1),
        (vec![1, 3, 4], 3),
        (vec![1, 9, 2], 3),
    ] {
        asked.store(0, Ordering::Relaxed);
        let mut governed = Governed::new(&resolvers, &enabled);
        let all = (1..5).map(|seq| coming(&a, &op, seq)).collect();
        governed.foresee(all, |_| Ok::<_, ()>(Image::ABSENT)).unwrap();
        let (mut image, mut alone) = (Image::ABSENT, Image::ABSENT);
        for seq in &seqs {
            let at = Position { seq: *seq, index: 0 };
            let told = governed.call(&mut image, &a, &op, &context(*seq)).unwrap();
            let expected = Governed::new(&resolvers, &enabled);
            let expected = { expected }.call(&mut alone, &a, &op, &context(*seq)).unwrap();
            assert_eq!(told, expected, "{seqs:?}");
            if told.is_ok() {
                image.touch(MemberNo(1), at);
                alone.touch(MemberNo(1), at);
            }
        }
        assert_eq!(image, alone);
        assert_eq!(asked.load(Ordering::Relaxed) - seqs.len(), crossings, "{seqs:?}");
    }
}

#[test]
fn large_documents_and_silent_resolvers_are_not_foreseen() {
    let (resolvers, asked) = told(counting);
    let enabled = enabled(&[1]);
    let mut governed = Governed::new(&resolvers, &enabled);
    let (a, op) = (key("a"), call_of(1, "n"));
    let with = |bytes| Image { fields: text_of(bytes), ..Image::ABSENT };
    let most = 16 * 1024 - 1 - 2 - 3;
    let mut foresee = |bytes| {
        governed.foresee(vec![coming(&a, &op, 1)], |_| Ok::<_, ()>(with(bytes))).unwrap();
        asked.swap(0, Ordering::Relaxed)
    };
    assert_eq!((foresee(most), foresee(most + 1)), (1, 0));
    let (resolvers, asked) = told(|_| Err(Stuck("busy")));
    let mut governed = Governed::new(&resolvers, &enabled);
    governed.foresee(vec![coming(&a, &op, 1)], |_| Ok::<_, ()>(Image::ABSENT)).unwrap();
    assert!(governed.call(&mut Image::ABSENT.clone(), &a, &op, &context(1)).is_err());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(governed.foresee(vec![coming(&a, &op, 1)], |_| Err("store")), Err("store"));
}

#[test]
fn a_reader_gets_copies_of_the_newest_version_where_that_is_possible() {
    let asked = Arc::new(AtomicUsize::new(0));
    let newest = Told(|_: &Run| Ok(vec![]), asked.clone());
    let resolvers = Resolvers::default().with("c", 2, newest);
    let both = enabled(&[1, 2]);
    let governed = Governed::new(&resolvers, &both);
    let mut fields = [version_of(7), version_of(7), version_of(7)];
    let present = |governed: &Governed<'_>, fields: &mut [Fields; 3], formats: [u64; 3]| {
        let mut documents: Vec<(u64, &mut Fields)> = formats.into_iter().zip(fields).collect();
        governed.present("c", &mut documents);
    };
    present(&governed, &mut fields, [0, 1, 2]);
    assert_eq!(fields, [version_of(7), version_of(2), version_of(7)]);
    present(&governed, &mut fields, [2, 2, 2]);
    assert_eq!(asked.load(Ordering::Relaxed), 1, "nothing is older");
    let older = enabled(&[1]);
    present(&Governed::new(&resolvers, &older), &mut fields, [0, 0, 0]);
    assert_eq!((fields[1].clone(), asked.load(Ordering::Relaxed)), (version_of(2), 1), "no such resolver");
}

#[test]
fn a_resolver_is_told_the_place_in_the_order_where_there_is_one() {
    let places = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = places.clone();
    let (resolvers, _) = told(move |run| {
        seen.lock().unwrap().extend(run.calls.iter().map(|call| call.position));
        Ok(vec![Outcome::State(None)])
    });
    let enabled = enabled(&[1]);
    let mut governed = Governed::new(&resolvers, &enabled);
    let pending = FoldContext { position: Position::UNORDERED, ..context(1) };
    for context in [context(3), pending] {
        governed.call(&mut Image::ABSENT.clone(), &key("d"), &call_of(1, "n"), &context).unwrap().unwrap();
    }
    assert_eq!(*places.lock().unwrap(), [Some(Position { seq: 3, index: 0 }), None]);
}
