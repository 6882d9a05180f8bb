//! What one client does with its own documents, without any Relay.

use crate::harness::World;
use veilfold_core::ErrorKind;
use veilfold_core::client::{END, Fate, Json, elements_at};
use veilfold_core::model::{Action, Condition, DocumentKey, Op, Path, Place, TextSplice, Value};

#[test]
fn every_kind_of_write_is_visible_at_once() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("Groceries").await.unwrap();
        assert_eq!(space.name(), "Groceries");
        let items = space.collection("items");
        items.create("milk", Json(br#"{"qty":1,"tags":["a"]}"#)).await.unwrap();
        items.increment("milk", "qty", 2).await.unwrap();
        items.set("milk", "price.net", 1.0).await.unwrap();
        items.merge("milk", "price", serde_json::json!({"gross": 2})).await.unwrap();
        items.set_add("milk", "labels", "cold").await.unwrap();
        items.text_create("milk", "note", "fresh milk").await.unwrap();
        let splice = TextSplice { offset: 5, delete: 0, insert: "est".to_owned() };
        items.text_edit("milk", "note", vec![splice]).await.unwrap();
        let made = items.list_insert("milk", "tags", END, "b").await.unwrap();
        let elements = items.elements("milk", "tags").await.unwrap();
        assert_eq!(elements[1].0, made.elements()[0]);
        items.list_move("milk", "tags", elements[0].0, Place { after: Some(elements[1].0), before: None })
            .await
            .unwrap();
        let json = items.get_json("milk").await.unwrap().unwrap();
        let text = String::from_utf8(json).unwrap();
        let tags = [&elements[1].1, &elements[0].1].map(|value| match value {
            Value::String(text) => format!("{text:?}"),
            other => panic!("{other:?}"),
        });
        let expected = format!(
            r#"{{"labels":["cold"],"note":"freshest milk","price":{{"gross":2,"net":1.0}},"qty":3,"tags":[{}]}}"#,
            tags.join(",")
        );
        assert_eq!(text, expected);
        items.unset("milk", "note").await.unwrap();
        items.list_remove("milk", "tags", elements[0].0).await.unwrap();
        items.set_remove("milk", "labels", "cold").await.unwrap();
        let fields = items.get("milk").await.unwrap().unwrap();
        assert!(!fields.contains_key("note"));
        assert_eq!(elements_at(&fields, &Path::parse("tags").unwrap()).unwrap().len(), 1);
        items.put("bread", Json(b"{}")).await.unwrap();
        assert_eq!(items.all().await.unwrap().len(), 2);
        items.delete("milk").await.unwrap();
        assert_eq!(items.get("milk").await.unwrap(), None);
        client.close().await.unwrap();
    });
}

#[test]
fn a_call_that_is_wrong_says_so_and_changes_nothing() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let items = client.create_space("s").await.unwrap().collection("items");
        items.put("a", Json(br#"{"text":"x"}"#)).await.unwrap();
        let code = |error: veilfold_core::Error| (error.kind, error.code);
        let invalid = |code| (ErrorKind::Invalid, code);
        assert_eq!(code(items.put("b", Json(b"[]")).await.unwrap_err()), invalid("bad_json"));
        assert_eq!(code(items.set("b", "x..y", 1).await.unwrap_err()), invalid("bad_path"));
        assert_eq!(code(items.set("", "x", 1).await.unwrap_err()), invalid("bad_action"));
        assert_eq!(code(items.increment("a", "text", 1).await.unwrap_err()), invalid("rejected"));
        assert_eq!(code(items.create("a", Json(b"{}")).await.unwrap_err()), invalid("rejected"));
        assert_eq!(items.all().await.unwrap().len(), 1);
        assert_eq!(client.set_relay(Some("http://x")).await.unwrap_err().code, "bad_relay_url");
    });
}

#[test]
fn a_transaction_is_run_again_until_what_it_read_holds() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        let items = space.collection("items");
        items.put("a", Json(br#"{"n":1}"#)).await.unwrap();
        let mut runs = 0;
        let (seen, receipt) = space
            .transact(async |tx| {
                runs += 1;
                let seen = tx.get("items", "a").await?.unwrap_or_default()["n"].clone();
                if runs < 3 {
                    // Somebody else changes it between the read and the commit.
                    items.increment("a", "n", 1).await?;
                }
                tx.increment("items", "a", "n", 10)?;
                let after = tx.get("items", "a").await?.unwrap_or_default()["n"].clone();
                Ok((seen, after))
            })
            .await
            .unwrap();
        assert_eq!((runs, seen), (3, (Value::Int(3), Value::Int(13))));
        assert_eq!(receipt.unwrap().fate().await.unwrap(), Fate::Pending);
        assert_eq!(items.get("a").await.unwrap().unwrap()["n"], Value::Int(13));
    });
}

#[test]
fn a_transaction_that_fails_or_asks_for_nothing_writes_nothing() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        let failed = space.transact(async |tx| {
            tx.put("items", "a", Json(b"{}"))?;
            Err::<(), _>(veilfold_core::Error::invalid("mine", "not today"))
        });
        assert_eq!(failed.await.unwrap_err().code, "mine");
        let (none, receipt) = space.transact(async |tx| tx.get("items", "a").await).await.unwrap();
        assert!(none.is_none() && receipt.is_none());
        let missing = space.transact(async |tx| {
            tx.expect("items", "a", "", Condition::Exists)?;
            tx.set("items", "b", "n", 1)
        });
        assert_eq!(missing.await.unwrap_err().code, "rejected");
        assert!(space.collection("items").all().await.unwrap().is_empty());
    });
}

#[test]
fn transactions_of_many_tasks_lose_no_update() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let space = space.clone();
                // The futures are `Send`, so they run on any executor.
                tokio::spawn(async move {
                    for _ in 0..10 {
                        let add = async |tx: &mut veilfold_core::client::Transaction| {
                            let n = match tx.get("c", "n").await?.unwrap_or_default().get("n") {
                                Some(Value::Int(n)) => *n,
                                _ => 0,
                            };
                            tx.set("c", "n", "n", n + 1)
                        };
                        space.transact(add).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(space.collection("c").get("n").await.unwrap().unwrap()["n"], Value::Int(80));
    });
}

#[test]
fn a_transaction_reads_a_whole_collection_and_runs_again_when_one_comes_in_between() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        let bookings = space.collection("bookings");
        // More than one page of the engine's thread.
        let actions = |from: usize, to: usize| -> Vec<Action> {
            let op = || Op::Set { path: Path::default(), value: Value::Map(Default::default()) };
            (from..to)
                .map(|n| Action { key: DocumentKey::new("bookings", format!("{n:04}")), op: op() })
                .collect()
        };
        for from in [0, 200, 400] {
            space.commit(actions(from, from + 200)).await.unwrap();
        }
        let mut seen = Vec::new();
        let book = async |tx: &mut veilfold_core::client::Transaction| {
            seen.push(tx.all("bookings").await?.len());
            if seen.len() == 1 {
                bookings.put("late", Json(b"{}")).await?;
            }
            tx.put("bookings", "mine", Json(b"{}"))?;
            tx.delete("bookings", "0000")?;
            let own = tx.all("bookings").await?;
            assert_eq!((own[0].0.as_str(), own[own.len() - 1].0.as_str()), ("0001", "mine"));
            Ok(())
        };
        space.transact(book).await.unwrap();
        assert_eq!(seen, [600, 601]);
    });
}
