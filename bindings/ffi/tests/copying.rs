//! A document into another Space, as the packages call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use veilfold_ffi::{Client, ClientConfig, VeilfoldError};

#[tokio::test]
async fn a_document_is_copied_into_another_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db").display().to_string();
    let client = Client::open(path, ClientConfig::default(), None, None).await.unwrap();
    let (from, to) =
        (client.create_space("a".into()).await.unwrap(), client.create_space("b".into()).await.unwrap());
    let actions = br#"[{"op":"put","collection":"notes","id":"plan","value":{"title":"Plan","rating":1.0}}]"#;
    from.commit(actions.to_vec()).await.unwrap();
    let copy =
        |id: &str| from.copy_document("notes".into(), id.into(), to.clone(), "old".into(), "first".into());
    assert!(copy("none").await.unwrap().is_none());
    assert!(copy("plan").await.unwrap().is_some());
    let there = to.get("old".into(), "first".into()).await.unwrap();
    assert_eq!(there, from.get("notes".into(), "plan".into()).await.unwrap());
    assert!(there.is_some());
    let again = copy("plan").await.unwrap_err();
    assert!(matches!(again, VeilfoldError::Invalid { code, .. } if code == "rejected"));
    client.close().await.unwrap();
}
