//! A document into another Space, as the packages call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use veilfold_ffi::{Answer, AsyncCall, ClientConfig, Result, Space, VeilfoldError, open_client};

async fn answer(call: Result<Arc<AsyncCall>>) -> Result<Answer> {
    call?.answer().await
}

async fn space(call: Result<Arc<AsyncCall>>) -> Arc<Space> {
    let Answer::Space(space) = answer(call).await.unwrap() else { panic!("no space") };
    space
}

#[tokio::test]
async fn a_document_is_copied_into_another_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db").display().to_string();
    let opened = answer(open_client(path, ClientConfig::default(), None, None)).await.unwrap();
    let Answer::Client(client) = opened else { panic!("no client") };
    let from = space(client.create_space("a".into())).await;
    let to = space(client.create_space("b".into())).await;
    let actions = br#"[{"op":"put","collection":"notes","id":"plan","value":{"title":"Plan","rating":1.0}}]"#;
    answer(from.commit(actions.to_vec())).await.unwrap();
    let copy = |id: &str| {
        answer(from.copy_document("notes".into(), id.into(), to.clone(), "old".into(), "first".into()))
    };
    assert!(matches!(copy("none").await, Ok(Answer::Receipt(None))));
    assert!(matches!(copy("plan").await, Ok(Answer::Receipt(Some(_)))));
    let there = answer(to.get("old".into(), "first".into())).await;
    let Ok(Answer::Json(Some(there))) = there else { panic!("{there:?}") };
    let here = answer(from.get("notes".into(), "plan".into())).await;
    assert!(matches!(here, Ok(Answer::Json(Some(here))) if here == there));
    let again = copy("plan").await.unwrap_err();
    assert!(matches!(again, VeilfoldError::Invalid { code, .. } if code == "rejected"));
    answer(client.close()).await.unwrap();
}
