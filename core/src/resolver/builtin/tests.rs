//! What each operation of `record` does, read as examples.

use super::resolve;
use crate::model::*;
use crate::resolver::{Effect, FoldContext};
use veilfold_wire::MemberNo;

fn context(tx: u8) -> FoldContext {
    FoldContext {
        author: MemberNo(1),
        position: Position { seq: u64::from(tx), index: 0 },
        time_ms: 0,
        tx_id: TxId([tx; 8]),
        base_seq: 0,
        elements: 0,
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn json(text: &str) -> Value {
    value_from_json(text.as_bytes()).unwrap()
}

fn document(text: &str) -> Option<Fields> {
    let mut fields = None;
    resolve(&mut fields, &Op::Create { fields: json(text) }, &mut context(255)).unwrap();
    fields
}

fn shown(fields: &Option<Fields>) -> String {
    fields.as_ref().map_or("none".into(), |fields| String::from_utf8(fields_to_json(fields)).unwrap())
}

fn run(fields: &mut Option<Fields>, op: Op) -> Result<bool, RejectReason> {
    let before = fields.clone();
    let result = resolve(fields, &op, &mut context(7));
    match &result {
        Ok(Effect { changed: true, .. }) => {}
        Ok(_) | Err(_) => assert_eq!(*fields, before, "{op:?}"),
    }
    result.map(|effect| effect.changed)
}

fn set(at: &str, value: &str) -> Op {
    Op::Set { path: path(at), value: json(value) }
}

fn expect(at: &str, condition: Condition) -> Op {
    Op::Expect { path: path(at), condition }
}

fn element(tx: u8, count: u32) -> ElementId {
    let mut id = [tx; 12];
    id[8..].copy_from_slice(&count.to_be_bytes());
    ElementId(id)
}

fn insert(at: &str, place: Place, value: &str) -> Op {
    Op::ListInsert { path: path(at), place, value: json(value) }
}

fn after(id: ElementId) -> Place {
    Place { after: Some(id), before: None }
}

#[test]
fn create_is_rejected_when_the_document_exists() {
    let mut fields = document("{}");
    assert_eq!(run(&mut fields, Op::Create { fields: json("{}") }), Err(RejectReason::AlreadyExists));
}

#[test]
fn set_makes_the_document_and_the_maps_on_the_way() {
    let mut fields = None;
    assert_eq!(run(&mut fields, set("a.b.c", "1")), Ok(true));
    assert_eq!(shown(&fields), r#"{"a":{"b":{"c":1}}}"#);
    assert_eq!(run(&mut fields, set("a.b.c.d", "2")), Err(RejectReason::TypeMismatch));
    assert_eq!(run(&mut fields, set("", r#"{"new":true}"#)), Ok(true));
    assert_eq!(shown(&fields), r#"{"new":true}"#);
}

#[test]
fn unset_of_what_is_not_there_changes_nothing() {
    let mut fields = document(r#"{"a":{"b":1}}"#);
    for at in ["x", "a.x", "a.b.c", "x.y.z", "a.#010101010101010101010101"] {
        assert_eq!(run(&mut fields, Op::Unset { path: path(at) }), Ok(false), "{at}");
    }
    assert_eq!(run(&mut fields, Op::Unset { path: path("a.b") }), Ok(true));
    assert_eq!(shown(&fields), r#"{"a":{}}"#);
    assert_eq!(run(&mut None, Op::Unset { path: path("a") }), Ok(false));
}

#[test]
fn merge_goes_into_maps_and_replaces_the_rest() {
    let mut fields = document(r#"{"a":{"b":1,"c":{"d":2}},"e":3}"#);
    let value = json(r#"{"a":{"b":{"x":1},"c":{"y":2}},"f":null}"#);
    assert_eq!(run(&mut fields, Op::Merge { path: path(""), value }), Ok(true));
    assert_eq!(shown(&fields), r#"{"a":{"b":{"x":1},"c":{"d":2,"y":2}},"e":3,"f":null}"#);
    let at_number = Op::Merge { path: path("e"), value: json("{}") };
    assert_eq!(run(&mut fields, at_number), Err(RejectReason::TypeMismatch));
    let at_nothing = Op::Merge { path: path("g.h"), value: json(r#"{"i":1}"#) };
    assert_eq!(run(&mut fields, at_nothing), Ok(true));
    assert!(shown(&fields).ends_with(r#""g":{"h":{"i":1}}}"#));
}

#[test]
fn a_merge_of_nothing_makes_what_is_missing_and_changes_nothing_else() {
    let merge = |at: &str, value: &str| Op::Merge { path: path(at), value: json(value) };
    let mut fields = None;
    assert_eq!((run(&mut fields, merge("", "{}")), shown(&fields)), (Ok(true), "{}".to_owned()));
    assert_eq!(run(&mut fields, merge("", "{}")), Ok(false));
    assert_eq!(run(&mut fields, merge("m", "{}")), Ok(true));
    assert_eq!(run(&mut fields, merge("m", "{}")), Ok(false));
    assert_eq!(run(&mut fields, merge("m", r#"{"a":1}"#)), Ok(true));
    assert_eq!(shown(&fields), r#"{"m":{"a":1}}"#);
}

#[test]
fn increment_counts_what_is_missing_as_zero_and_never_wraps() {
    let mut fields = None;
    let by = |by| Op::Increment { path: path("n"), by };
    assert_eq!(run(&mut fields, by(i64::MAX)), Ok(true));
    assert_eq!(run(&mut fields, by(1)), Err(RejectReason::Overflow));
    assert_eq!(run(&mut fields, by(i64::MIN)), Ok(true));
    assert_eq!(shown(&fields), r#"{"n":-1}"#);
    let mut float = document(r#"{"n":1.0}"#);
    assert_eq!(run(&mut float, by(1)), Err(RejectReason::TypeMismatch));
}

#[test]
fn stored_lists_have_ids_from_the_transaction_outer_before_inner() {
    let mut fields = None;
    let mut context = context(9);
    resolve(&mut fields, &set("l", "[[1],2]"), &mut context).unwrap();
    resolve(&mut fields, &set("m", "[3]"), &mut context).unwrap();
    let outer = match &fields.as_ref().unwrap()["l"] {
        Value::List(list) => list,
        other => panic!("{other:?}"),
    };
    assert_eq!(outer[0], (element(9, 0), Value::List(vec![(element(9, 1), Value::Int(1))])));
    assert_eq!(outer[1].0, element(9, 2));
    assert_eq!(context.elements, 4);
    context.elements = u32::MAX;
    let rejected = resolve(&mut fields, &set("m", "[3]"), &mut context);
    assert_eq!(rejected, Err(RejectReason::TooLarge));
}

#[test]
fn an_element_goes_after_its_neighbour_else_before_the_other_else_to_the_end() {
    let (a, b, gone) = (element(255, 0), element(255, 1), element(1, 1));
    for (place, expected) in [
        (Place { after: Some(a), before: None }, "[1,9,2]"),
        (Place { after: Some(gone), before: Some(b) }, "[1,9,2]"),
        (Place { after: Some(gone), before: Some(a) }, "[9,1,2]"),
        (Place { after: Some(gone), before: None }, "[1,2,9]"),
        (Place { after: None, before: Some(gone) }, "[1,2,9]"),
        (Place::default(), "[9,1,2]"),
    ] {
        let mut fields = document(r#"{"l":[1,2]}"#);
        assert_eq!(run(&mut fields, insert("l", place, "9")), Ok(true));
        assert_eq!(shown(&fields), format!(r#"{{"l":{expected}}}"#), "{place:?}");
    }
}

#[test]
fn a_path_leads_through_an_element_wherever_it_moved() {
    let mut fields = document(r#"{"l":[{"t":1},{"t":2}]}"#);
    let (a, b) = (element(255, 0), element(255, 1));
    let to_end = Op::ListMove { path: path("l"), element: a, place: after(b) };
    assert_eq!(run(&mut fields, to_end.clone()), Ok(true));
    assert_eq!(run(&mut fields, to_end), Ok(false));
    assert_eq!(run(&mut fields, set(&format!("l.#{a}.t"), "7")), Ok(true));
    assert_eq!(shown(&fields), r#"{"l":[{"t":2},{"t":7}]}"#);
    assert_eq!(run(&mut fields, Op::ListRemove { path: path("l"), element: a }), Ok(true));
    assert_eq!(run(&mut fields, set(&format!("l.#{a}.t"), "8")), Err(RejectReason::TypeMismatch));
    assert_eq!(run(&mut fields, Op::Unset { path: path(&format!("l.#{a}.t")) }), Ok(false));
    assert_eq!(run(&mut fields, Op::Unset { path: path(&format!("l.#{b}")) }), Ok(true));
    assert_eq!(shown(&fields), r#"{"l":[]}"#);
}

#[test]
fn removing_and_moving_what_is_gone_changes_nothing() {
    let mut fields = document(r#"{"l":[1],"n":1}"#);
    let gone = element(3, 3);
    for at in ["l", "x", "x.y"] {
        let remove = Op::ListRemove { path: path(at), element: gone };
        let moved = Op::ListMove { path: path(at), element: gone, place: Place::default() };
        assert_eq!(run(&mut fields, remove), Ok(false));
        assert_eq!(run(&mut fields, moved), Ok(false));
    }
    let at_number = Op::ListRemove { path: path("n"), element: gone };
    assert_eq!(run(&mut fields, at_number), Err(RejectReason::TypeMismatch));
    let kept = element(255, 0);
    let beside_itself = Op::ListMove { path: path("l"), element: kept, place: after(kept) };
    assert_eq!(run(&mut fields, beside_itself), Ok(false));
}

#[test]
fn concurrent_moves_of_one_element_end_with_the_later_one_and_lose_nothing() {
    let ids: Vec<_> = (0..4).map(|count| element(255, count)).collect();
    let to_front = Op::ListMove { path: path("l"), element: ids[2], place: Place::default() };
    let to_end = Op::ListMove { path: path("l"), element: ids[2], place: after(ids[3]) };
    let first_away = Op::ListMove { path: path("l"), element: ids[0], place: after(ids[3]) };
    for (order, expected) in [
        ([&to_front, &to_end, &first_away], "[2,4,1,3]"),
        ([&to_end, &first_away, &to_front], "[3,2,4,1]"),
        ([&first_away, &to_front, &to_end], "[2,4,3,1]"),
    ] {
        let mut fields = document(r#"{"l":[1,2,3,4]}"#);
        for op in order {
            run(&mut fields, op.clone()).unwrap();
        }
        assert_eq!(shown(&fields), format!(r#"{{"l":{expected}}}"#));
    }
}

#[test]
fn sets_of_different_members_commute() {
    let add = |n| Op::SetAdd { path: path("s"), member: SetMember::Int(n) };
    let drop = |n| Op::SetRemove { path: path("s"), member: SetMember::Int(n) };
    let (mut one, mut other) = (None, None);
    for op in [add(1), add(2), drop(3), add(4), drop(4)] {
        run(&mut one, op).unwrap();
    }
    for op in [drop(3), add(4), add(2), drop(4), add(1)] {
        run(&mut other, op).unwrap();
    }
    assert_eq!(one, other);
    assert_eq!(run(&mut one, add(1)), Ok(false));
    assert_eq!(run(&mut one, drop(9)), Ok(false));
    assert_eq!(run(&mut document(r#"{"s":[1]}"#), add(1)), Err(RejectReason::TypeMismatch));
}

#[test]
fn a_member_is_removed_from_the_set_that_has_it() {
    let add = |n| Op::SetAdd { path: path("s"), member: SetMember::Int(n) };
    let drop = |at: &str, n| Op::SetRemove { path: path(at), member: SetMember::Int(n) };
    let mut fields = document(r#"{"n":1,"l":[1]}"#);
    run(&mut fields, add(1)).unwrap();
    run(&mut fields, add(2)).unwrap();
    assert_eq!(run(&mut fields, drop("s", 1)), Ok(true));
    assert_eq!(shown(&fields), r#"{"l":[1],"n":1,"s":[2]}"#);
    for at in ["s", "x", "x.y", &format!("l.#{}.s", element(3, 3))] {
        assert_eq!(run(&mut fields, drop(at, 1)), Ok(false), "{at}");
    }
    for at in ["n", "l", "n.x"] {
        assert_eq!(run(&mut fields, drop(at, 1)), Err(RejectReason::TypeMismatch), "{at}");
    }
    assert_eq!(run(&mut None, drop("s", 1)), Ok(false));
}

#[test]
fn delete_forgets_everything_once() {
    let mut fields = document(r#"{"a":1}"#);
    assert_eq!(run(&mut fields, Op::Delete), Ok(true));
    assert_eq!(run(&mut fields, Op::Delete), Ok(false));
    assert_eq!(fields, None);
}

#[test]
fn conditions_look_and_change_nothing() {
    let mut fields = document(r#"{"n":5,"l":[1,{"k":[2]}],"f":-0.0}"#);
    run(&mut fields, Op::SetAdd { path: path("s"), member: SetMember::String("b".into()) }).unwrap();
    run(&mut fields, Op::SetAdd { path: path("s"), member: SetMember::Int(1) }).unwrap();
    let whole = json(r#"{"f":-0.0,"l":[1,{"k":[2]}],"n":5,"s":[1,"b"]}"#);
    for (at, condition, holds) in [
        ("", Condition::Exists, true),
        ("", Condition::Missing, false),
        ("", Condition::Equals(whole), true),
        ("n", Condition::Exists, true),
        ("n.x", Condition::Missing, true),
        ("x", Condition::Exists, false),
        ("n", Condition::AtLeast(5), true),
        ("n", Condition::AtLeast(6), false),
        ("n", Condition::AtMost(5), true),
        ("n", Condition::AtMost(4), false),
        ("f", Condition::AtLeast(-1), false),
        ("x", Condition::AtMost(0), false),
        ("n", Condition::Equals(json("5")), true),
        ("n", Condition::Equals(json("5.0")), false),
        ("f", Condition::Equals(json("0.0")), false),
        ("l", Condition::Equals(json(r#"[1,{"k":[2]}]"#)), true),
        ("l", Condition::Equals(json(r#"[1,{"k":[3]}]"#)), false),
        ("s", Condition::Equals(json(r#"[1,"b"]"#)), true),
        ("s", Condition::Equals(json(r#"["b",1]"#)), false),
    ] {
        let expected = if holds { Ok(false) } else { Err(RejectReason::ExpectFailed) };
        assert_eq!(run(&mut fields, expect(at, condition.clone())), expected, "{at} {condition:?}");
    }
    let (first, second) = (element(255, 0), element(255, 1));
    for (at, condition, holds) in [
        (format!("l.#{first}"), Condition::Equals(json("1")), true),
        (format!("l.#{second}.k"), Condition::Equals(json("[2]")), true),
        (format!("l.#{second}.k"), Condition::Equals(json("[2,3]")), false),
        (format!("l.#{}", element(3, 3)), Condition::Missing, true),
        ("s".to_owned(), Condition::Equals(json("[1]")), false),
        ("l".to_owned(), Condition::Equals(json("[1]")), false),
        (String::new(), Condition::Equals(json(r#"{"n":5}"#)), false),
        (String::new(), Condition::Equals(json("5")), false),
    ] {
        let expected = if holds { Ok(false) } else { Err(RejectReason::ExpectFailed) };
        assert_eq!(run(&mut fields, expect(&at, condition.clone())), expected, "{at} {condition:?}");
    }
    assert_eq!(run(&mut None, expect("", Condition::Missing)), Ok(false));
    assert_eq!(run(&mut None, expect("a", Condition::Exists)), Err(RejectReason::ExpectFailed));
}

#[test]
fn maps_and_texts_are_compared_by_name_and_content() {
    let mut fields = document(r#"{"m":{"a":1,"b":2}}"#);
    run(&mut fields, Op::TextCreate { path: path("t"), text: "hi".to_owned() }).unwrap();
    for (at, literal, holds) in [
        ("m", r#"{"b":2,"a":1}"#, true),
        ("m", r#"{"a":1,"b":3}"#, false),
        ("m", r#"{"a":1,"c":2}"#, false),
        ("m", r#"{"a":1}"#, false),
        ("m", r#"{"a":1,"b":2,"c":3}"#, false),
        ("t", r#""hi""#, true),
        ("t", r#""ho""#, false),
    ] {
        let expected = if holds { Ok(false) } else { Err(RejectReason::ExpectFailed) };
        assert_eq!(
            run(&mut fields, expect(at, Condition::Equals(json(literal)))),
            expected,
            "{at} {literal}"
        );
    }
}

#[test]
fn a_transaction_has_ids_for_so_many_elements() {
    // Two elements, two in one of them and one in a map in the other.
    let five = json(r#"[[1,2],{"a":[3]}]"#);
    let ops = [
        (Op::Set { path: path("l"), value: five.clone() }, 5),
        (Op::Set { path: path("m"), value: json(r#"{"x":[1,2],"y":[3,4,5]}"#) }, 5),
        (Op::ListInsert { path: path("n"), place: Place::default(), value: five }, 6),
        (Op::ListInsert { path: path("n"), place: Place::default(), value: json("1") }, 1),
        (Op::Create { fields: json(r#"{"l":[7]}"#) }, 1),
    ];
    for (op, count) in ops {
        for (made, room) in [(0, true), (u32::MAX - count, true), (u32::MAX - count + 1, false)] {
            let mut context = FoldContext { elements: made, ..context(1) };
            let result = resolve(&mut None, &op, &mut context);
            let expected = if room { Ok(made + count) } else { Err(RejectReason::TooLarge) };
            assert_eq!(result.map(|_| context.elements), expected, "{op:?} after {made}");
        }
    }
}

#[test]
fn every_kind_of_value_may_be_nested_as_deep_as_32() {
    let deep = |inner: &str| document(&format!("{}{inner}{}", r#"{"a":"#.repeat(30), "}".repeat(30)));
    // Inside as many maps: what is put at 31 names may have one more level, at 32 none.
    let at = |names: usize| {
        Path(vec![Segment::Key("a".to_owned()); names - 1])
            .0
            .into_iter()
            .chain([Segment::Key("b".to_owned())])
            .collect::<Vec<_>>()
    };
    let ops: [fn(Path) -> Op; 8] = [
        |path| Op::Set { path, value: json("[]") },
        |path| Op::Merge { path, value: json("{}") },
        |path| Op::ListInsert { path, place: Place::default(), value: json("1") },
        |path| Op::SetAdd { path, member: SetMember::Int(1) },
        |path| Op::TextCreate { path, text: String::new() },
        |path| Op::TextEdit {
            path,
            splices: vec![TextSplice { offset: 0, delete: 0, insert: "x".to_owned() }],
        },
        |path| Op::Set { path, value: json("1") },
        |path| Op::Increment { path, by: 1 },
    ];
    for (index, op) in ops.into_iter().enumerate() {
        let deepest = if index < 6 { 31 } else { 32 };
        let try_at = |names| run(&mut deep("{}"), op(Path(at(names))));
        assert_eq!(
            (try_at(deepest), try_at(deepest + 1)),
            (Ok(true), Err(RejectReason::TooLarge)),
            "{index}"
        );
    }
    let list_in_list =
        |value| Op::ListInsert { path: Path(at(31)), place: Place::default(), value: json(value) };
    assert_eq!(run(&mut deep("{}"), list_in_list("[]")), Err(RejectReason::TooLarge));
}

#[test]
fn nesting_ends_where_a_stored_document_still_reads_back() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(31), "}".repeat(31));
    let mut fields = document(&deep);
    let bottom = ["a"; 31].join(".");
    assert_eq!(run(&mut fields, set(&bottom, "{}")), Ok(true));
    assert_eq!(run(&mut fields, set(&bottom, "[[]]")), Err(RejectReason::TooLarge));
    let in_list = insert(&format!("{bottom}.l"), Place::default(), "1");
    assert_eq!(run(&mut fields, in_list), Err(RejectReason::TooLarge));
    assert_eq!(run(&mut fields, set(&format!("{bottom}.a"), "1")), Ok(true));
    let mut image = Image::ABSENT;
    image.fields = fields;
    assert_eq!(Image::from_bytes(&image.to_bytes()), Ok(image));
}
