//! Questions to resolvers in other languages, and their answers, as JSON: what crosses to Swift, Kotlin
//! and Python, many calls at a time.
//!
//! Called by the bindings, around the app's function. An answer is the app's own bytes: whatever they are,
//! they come to outcomes, or to none.

use super::custom::{Outcome, Run};
use crate::model::{
    Fields, RejectReason, Value, fields_from_json, fields_to_json, value_from_json, value_to_json,
};
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// `[{"format": 0, "state": {…} | null, "calls": [{"version", "author", "seq", "index", "time_ms", "document",
/// "name", "args"}, …]}, …]`, `seq` and `index` null while a call is only pending.
pub fn runs_to_json(runs: &[Run]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, run) in runs.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.extend(format!("{comma}{{\"format\":{},\"state\":", run.format).bytes());
        out.extend(run.state.as_ref().map_or(b"null".to_vec(), fields_to_json));
        out.extend(b",\"calls\":[");
        for (index, call) in run.calls.iter().enumerate() {
            let place = call.position.map_or("\"seq\":null,\"index\":null".to_owned(), |position| {
                format!("\"seq\":{},\"index\":{}", position.seq, position.index)
            });
            let comma = if index == 0 { "" } else { "," };
            let (version, author, time_ms) = (call.version, call.author.0, call.time_ms);
            out.extend(
                format!("{comma}{{\"version\":{version},\"author\":{author},{place},\"time_ms\":{time_ms},")
                    .bytes(),
            );
            out.extend(b"\"document\":");
            out.extend(value_to_json(&Value::String(call.document.clone())));
            out.extend(b",\"name\":");
            out.extend(value_to_json(&Value::String(call.name.clone())));
            out.extend(b",\"args\":");
            out.extend(value_to_json(&call.args));
            out.push(b'}');
        }
        out.extend(b"]}");
    }
    out.push(b']');
    out
}

/// The outcomes in `[[{"state": {…} | null} | {"refused": "text"} | {"failed": true}, …], …]`, a list for each
/// run, which had as many calls as `wanted` says; an empty one where there is no answer for the whole run.
pub fn outcomes_from_json(answer: &[u8], wanted: impl Iterator<Item = usize>) -> Vec<Vec<Outcome>> {
    let answers = elements(answer).unwrap_or_default();
    // What is no answer to the question is a failure of the app's code like any other. It says nothing
    // of the calls after it, which may have been made on that: so there is no answer for the whole
    // run, and each call is asked for alone. Otherwise a fate would depend on what was asked together.
    let whole = |told: &RawValue, wanted: usize| -> Option<Vec<Outcome>> {
        let told = elements(told.get().as_bytes())?;
        let outcomes: Vec<Outcome> = told.into_iter().map(outcome).collect::<Option<_>>()?;
        (outcomes.len() == wanted).then_some(outcomes)
    };
    let told = |(index, wanted): (usize, usize)| answers.get(index).and_then(|told| whole(told, wanted));
    wanted.enumerate().map(|run| told(run).unwrap_or_default()).collect()
}

/// `[{"format": 1, "state": {…}}, …]`.
pub fn states_to_json(states: &[(u64, Fields)]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, (format, state)) in states.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.extend(format!("{comma}{{\"format\":{format},\"state\":").bytes());
        out.extend(fields_to_json(state));
        out.push(b'}');
    }
    out.push(b']');
    out
}

/// The documents in `[{…} | null, …]`, `count` of them; none where there is no document.
pub fn states_from_json(answer: &[u8], count: usize) -> Vec<Option<Fields>> {
    let answers = elements(answer).unwrap_or_default();
    let states = answers.into_iter().map(|told| fields(told).flatten());
    states.chain(std::iter::repeat(None)).take(count).collect()
}

/// The elements of a JSON array as they were written, each to be read for itself: one that cannot be
/// read says nothing about the others.
fn elements(json: &[u8]) -> Option<Vec<&RawValue>> {
    serde_json::from_slice(json).ok()
}

/// What a resolver says of a call, unread.
#[derive(Default)]
struct Told<'a> {
    state: Option<&'a RawValue>,
    refused: Option<&'a RawValue>,
    failed: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Told<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TellMe)
    }
}

struct TellMe;

impl<'de> Visitor<'de> for TellMe {
    type Value = Told<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what became of a call")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Told<'de>, A::Error> {
        let mut told = Told::default();
        while let Some(key) = input.next_key::<String>()? {
            let value = Some(input.next_value()?);
            match key.as_str() {
                "state" => told.state = value,
                "refused" => told.refused = value,
                "failed" => told.failed = value,
                _ => {}
            }
        }
        Ok(told)
    }
}

fn outcome(told: &RawValue) -> Option<Outcome> {
    let told: Told<'_> = serde_json::from_slice(told.get().as_bytes()).ok()?;
    if let Some(state) = told.state {
        return fields(state).map(Outcome::State);
    }
    if let Some(text) = told.refused {
        let Ok(Value::String(text)) = value_from_json(text.get().as_bytes()) else { return None };
        return Some(Outcome::Rejected(RejectReason::RefusedByResolver, Some(text)));
    }
    told.failed.map(|_| Outcome::Rejected(RejectReason::ResolverFailed, None))
}

/// A document or null; nothing for what is neither.
fn fields(told: &RawValue) -> Option<Option<Fields>> {
    if told.get() == "null" {
        return Some(None);
    }
    fields_from_json(told.get().as_bytes()).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Position;
    use crate::resolver::Call;
    use veilfold_wire::MemberNo;

    fn document(x: i64) -> Fields {
        [("x".to_owned(), Value::Int(x))].into()
    }

    #[test]
    fn a_question_says_all_that_a_resolver_may_look_at() {
        let call = |name: &str, position| Call {
            document: "a \"d\"".to_owned(),
            name: name.to_owned(),
            args: Value::Array(vec![Value::Int(1)]),
            version: 2,
            author: MemberNo(7),
            position,
            time_ms: 4,
        };
        let ordered = call("take", Some(Position { seq: 3, index: 1 }));
        let runs = [
            Run { state: None, format: 0, calls: vec![ordered] },
            Run { state: Some(document(5)), format: 1, calls: vec![call("a", None), call("b", None)] },
        ];
        let one = |name: &str, place: &str| {
            format!(
                r#"{{"version":2,"author":7,{place},"time_ms":4,"document":"a \"d\"","name":"{name}","args":[1]}}"#
            )
        };
        let pending = r#""seq":null,"index":null"#;
        let asked = format!(
            r#"[{{"format":0,"state":null,"calls":[{}]}},{{"format":1,"state":{{"x":5}},"calls":[{},{}]}}]"#,
            one("take", r#""seq":3,"index":1"#),
            one("a", pending),
            one("b", pending)
        );
        assert_eq!(String::from_utf8(runs_to_json(&runs)), Ok(asked));
        let states = states_to_json(&[(0, document(1)), (3, document(2))]);
        let asked = r#"[{"format":0,"state":{"x":1}},{"format":3,"state":{"x":2}}]"#;
        assert_eq!(String::from_utf8(states), Ok(asked.to_owned()));
    }

    #[test]
    fn an_answer_speaks_for_a_whole_run_or_not_at_all() {
        let told = |answer: &str| outcomes_from_json(answer.as_bytes(), [1, 2].into_iter());
        let no = Outcome::Rejected(RejectReason::RefusedByResolver, Some("no".to_owned()));
        let failed = Outcome::Rejected(RejectReason::ResolverFailed, None);
        let all = r#"[[{"state":{"x":5}}],[{"refused":"no"},{"failed":true}]]"#;
        assert_eq!(told(all), [vec![Outcome::State(Some(document(5)))], vec![no, failed]]);
        let gone = vec![Outcome::State(None)];
        assert_eq!(told(r#"[[{"state":null}],[{"refused":"no"}]]"#), [gone.clone(), vec![]]);
        assert_eq!(told(r#"[[{"state":null}],[{"refused":"no"},{"refused":5}]]"#), [gone.clone(), vec![]]);
        assert_eq!(told(r#"[[{"state":null}]]"#), [gone, vec![]]);
        for nothing in ["", "{}", "[[{\"state\":5}]]", "[[{\"state\":null},{\"state\":null}]]", "[[{}]]"] {
            assert_eq!(told(nothing), [vec![], vec![]], "{nothing}");
        }
    }

    #[test]
    fn what_cannot_be_migrated_stays_as_it_was() {
        let told = |answer: &str| states_from_json(answer.as_bytes(), 2);
        assert_eq!(told(r#"[null,{"x":5},{"x":6}]"#), [None, Some(document(5))]);
        assert_eq!(told(r#"[[1]]"#), [None, None]);
        assert_eq!(told("no"), [None, None]);
    }

    #[test]
    fn what_cannot_be_read_says_nothing_of_what_stands_beside_it() {
        let told = |answer: &str| outcomes_from_json(answer.as_bytes(), [1, 1, 1].into_iter());
        let answer = r#"[[{"state": {"n": 18446744073709551615}}], [ { "state" : {"x": 5} } ], [1]]"#;
        assert_eq!(told(answer), [vec![], vec![Outcome::State(Some(document(5)))], vec![]]);
        let told = states_from_json(br#"[{"n": 1e999}, {"x": 5}]"#, 2);
        assert_eq!(told, [None, Some(document(5))]);
    }
}
