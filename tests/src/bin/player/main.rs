//! The Rust player: drives the public client by orders on standard input, one JSON object a line.
//!
//! Swift, Kotlin and Python have players of the same orders; `tests/players` gives all of them the
//! same scripts. `typed.rs` carries values without a JSON library's opinion, `writes.rs` reads writes.

#![allow(clippy::print_stdout, reason = "the answers that the test waits for")]

mod counted;
mod typed;
mod writes;

use counted::Counted;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use veilfold_core::Error;
use veilfold_core::client::{
    Client, Config, ContactCard, Fate, IntoFields, Json as JsonText, Receipt, Resolvers, Space, SpaceTicket,
    value_at,
};
use veilfold_core::model::{ElementId, Fields, Path, Value, fields_to_json};
use veilfold_core::wire::Role;

type Rows = BTreeMap<String, Fields>;

/// One device: its client, its only Space, and what it watches.
struct Device {
    client: Client,
    space: Option<Space>,
    last: Option<Receipt>,
    watches: BTreeMap<String, Watch>,
    counted: Counted,
}

struct Watch {
    rows: watch::Receiver<Rows>,
    task: JoinHandle<()>,
}

/// What an order that is not understood is answered with.
fn wrong(what: &str) -> Error {
    Error::invalid("bad_order", what.to_owned())
}

fn text<'a>(order: &'a Json, field: &str) -> Result<&'a str, Error> {
    order[field].as_str().ok_or_else(|| wrong(field))
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut devices = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let order: Json = serde_json::from_str(&line?)?;
        let answer = match runtime.block_on(obey(&mut devices, &order)) {
            Ok(ok) => json!({ "ok": ok }),
            Err(error) => json!({ "error": { "kind": error.kind.name(), "code": error.code } }),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

async fn obey(devices: &mut BTreeMap<String, Device>, order: &Json) -> Result<Json, Error> {
    match text(order, "do")? {
        "codec" => return codec(text(order, "json")?),
        "open" => {
            let counted = Counted::default();
            let brought = order["resolver"].as_bool().unwrap_or_default();
            let config = Config {
                relay: order["relay"].as_str().map(str::to_owned),
                name: text(order, "name")?.to_owned(),
                resolvers: if brought { counted.resolvers() } else { Resolvers::default() },
                ..Config::default()
            };
            let client = Client::open(text(order, "path")?, config).await?;
            let space = client.spaces().await?.into_iter().next();
            let device = Device { client, space, last: None, watches: BTreeMap::new(), counted };
            devices.insert(text(order, "as")?.to_owned(), device);
            return Ok(Json::Null);
        }
        _ => {}
    }
    let device = devices.get_mut(text(order, "as")?).ok_or_else(|| wrong("as"))?;
    device.obey(order).await
}

/// Reads a JSON text as a document is read and writes it as a document is written.
fn codec(json: &str) -> Result<Json, Error> {
    let fields = JsonText(json.as_bytes()).into_fields()?;
    let again = String::from_utf8_lossy(&fields_to_json(&fields)).into_owned();
    Ok(json!({ "typed": typed::out_fields(&fields), "json": again }))
}

impl Device {
    fn space(&self) -> Result<&Space, Error> {
        self.space.as_ref().ok_or_else(|| wrong("there is no space yet"))
    }

    async fn obey(&mut self, order: &Json) -> Result<Json, Error> {
        Ok(match text(order, "do")? {
            "create_space" => {
                let space = self.client.create_space(text(order, "name")?).await?;
                self.space = Some(space.clone());
                json!({ "space": space.id().to_string() })
            }
            "contact_card" => {
                json!({ "card": self.client.contact_card(text(order, "name")?).await?.to_string() })
            }
            "add_member" => self.add_member(order).await?,
            "join" => {
                let ticket = text(order, "ticket")?.parse::<SpaceTicket>();
                let ticket = ticket.map_err(|_| Error::invalid("bad_ticket", "not a ticket".to_owned()))?;
                let space = self.client.join(&ticket, text(order, "name")?).await?;
                self.space = Some(space.clone());
                json!({ "space": space.id().to_string() })
            }
            "write" => {
                let receipt = self.space()?.commit(vec![writes::action(order)?]).await?;
                let elements: Vec<String> = receipt.elements().iter().map(ToString::to_string).collect();
                self.last = Some(receipt);
                json!({ "elements": elements })
            }
            "transact" => self.transact(order).await?,
            "settled" => {
                let last = self.last.as_ref().ok_or_else(|| wrong("nothing was written"))?;
                fate(&last.settled().await?)
            }
            "get" => {
                let found =
                    self.space()?.collection(text(order, "collection")?).get(text(order, "id")?).await?;
                found.as_ref().map_or(Json::Null, typed::out_fields)
            }
            "all" => {
                let rows = self.space()?.collection(text(order, "collection")?).all().await?;
                json!({ "rows": rows.iter().map(|(id, fields)| json!([id, typed::out_fields(fields)])).collect::<Vec<_>>() })
            }
            "elements" => {
                let collection = self.space()?.collection(text(order, "collection")?);
                let elements = collection.elements(text(order, "id")?, text(order, "path")?).await?;
                let pair = |(id, value): &(ElementId, Value)| json!([id.to_string(), typed::out(value)]);
                json!({ "elements": elements.iter().map(pair).collect::<Vec<_>>() })
            }
            "watch" => self.watch(text(order, "collection")?).await?,
            "watched" => self.watched(order).await?,
            "unwatch" => {
                let watch =
                    self.watches.remove(text(order, "collection")?).ok_or_else(|| wrong("no watch"))?;
                watch.task.abort();
                Json::Null
            }
            "connect" => self.client.connect().await.map(|()| Json::Null)?,
            "disconnect" => self.client.disconnect().await.map(|()| Json::Null)?,
            "synced" => json!({ "seq": self.space()?.synced().await?.seq }),
            "reached" => {
                let seq = order["seq"].as_u64().ok_or_else(|| wrong("seq"))?;
                json!({ "seq": self.space()?.reached(seq).await?.seq })
            }
            "root" => json!({ "root": self.space()?.state_root().await?.to_string() }),
            "status" => {
                let status = self.space()?.status().await?;
                json!({ "outbox": status.outbox_count, "seq": status.seq })
            }
            "members" => {
                let members = self.space()?.members().await?;
                let said =
                    members.into_iter().map(|member| json!([member.name, role(member.role), member.me]));
                json!({ "members": said.collect::<Vec<_>>() })
            }
            "repeat" => self.repeat(order).await?,
            "resolved" => self.counted.json(),
            "close" => self.client.close().await.map(|()| Json::Null)?,
            other => return Err(wrong(other)),
        })
    }

    async fn add_member(&mut self, order: &Json) -> Result<Json, Error> {
        let card = text(order, "card")?.parse::<ContactCard>();
        let card = card.map_err(|_| Error::invalid("bad_card", "not a card".to_owned()))?;
        let role = match text(order, "role")? {
            "reader" => Role::Reader,
            "writer" => Role::Writer,
            "admin" => Role::Admin,
            "owner" => Role::Owner,
            other => return Err(wrong(other)),
        };
        let added = self.space()?.add_member(card, role).await?;
        added.receipt.settled().await?;
        Ok(json!({ "ticket": added.ticket.to_string() }))
    }

    async fn transact(&mut self, order: &Json) -> Result<Json, Error> {
        let none = Vec::new();
        let (space, get) = (self.space()?.clone(), &order["get"]);
        let (collection, id) = (get[0].as_str().unwrap_or_default(), get[1].as_str().unwrap_or_default());
        let mut actions = Vec::new();
        if order["expect"].is_object() {
            actions.push(writes::expect(collection, id, &order["expect"])?);
        }
        for write in order["writes"].as_array().unwrap_or(&none) {
            actions.push(writes::action(write)?);
        }
        let (read, receipt) = space
            .transact(async |tx| {
                let read = if get.is_array() { tx.get(collection, id).await? } else { None };
                for action in actions.clone() {
                    tx.act(action)?;
                }
                Ok(read)
            })
            .await?;
        self.last = receipt;
        Ok(json!({ "read": read.as_ref().map_or(Json::Null, typed::out_fields) }))
    }

    /// The same call many times, for measuring.
    async fn repeat(&mut self, order: &Json) -> Result<Json, Error> {
        let (space, collection) = (self.space()?, self.space()?.collection("crossing"));
        let times = order["times"].as_u64().ok_or_else(|| wrong("times"))?;
        let started = Instant::now();
        match text(order, "call")? {
            "id" => (0..times).for_each(|_| drop(std::hint::black_box(space.id().to_string()))),
            "get" => {
                for _ in 0..times {
                    collection.get("0").await?;
                }
            }
            "put" => {
                for index in 0..times {
                    let fields = Json::from(index % 10_000).to_string();
                    let document = format!(r#"{{"n":{fields},"title":"a title","done":false}}"#);
                    collection.put(&fields, JsonText(document.as_bytes())).await?;
                }
            }
            "call" => {
                for index in 0..times {
                    let id = (index % 100).to_string();
                    self.space()?.collection(counted::COLLECTION).call(&id, "add", 1).await?;
                }
            }
            "rows" => {
                for _ in 0..times {
                    collection.live().await?.next().await?;
                }
            }
            "watch" => {
                for _ in 0..times {
                    collection.live_document("0").await?.next().await?;
                }
            }
            other => return Err(wrong(other)),
        }
        Ok(json!({ "seconds": started.elapsed().as_secs_f64() }))
    }

    async fn watch(&mut self, collection: &str) -> Result<Json, Error> {
        let live = self.space()?.collection(collection).live().await?;
        let (sender, rows) = watch::channel(Rows::new());
        let held = Arc::new(Mutex::new(Rows::new()));
        let task = tokio::spawn(async move {
            while let Ok(Some(batch)) = live.next().await {
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                held.extend(batch.inserted.into_iter().chain(batch.updated));
                held.retain(|id, _| !batch.removed.contains(id));
                sender.send_replace(held.clone());
            }
        });
        self.watches.insert(collection.to_owned(), Watch { rows, task });
        Ok(Json::Null)
    }

    async fn watched(&mut self, order: &Json) -> Result<Json, Error> {
        let watch =
            self.watches.get_mut(text(order, "collection")?).ok_or_else(|| wrong("nothing is watched"))?;
        let ended = |_| wrong("the live query has ended");
        if let Some(count) = order["rows"].as_u64() {
            let rows = watch.rows.wait_for(|rows| rows.len() as u64 == count).await.map_err(ended)?;
            let rows: Vec<Json> =
                rows.iter().map(|(id, fields)| json!([id, typed::out_fields(fields)])).collect();
            return Ok(json!({ "rows": rows }));
        }
        let (id, path) = (text(order, "id")?, Path::parse(text(order, "path")?).map_err(|_| wrong("path"))?);
        let shown = |rows: &Rows| {
            rows.get(id).and_then(|fields| value_at(fields, &path)).map(typed::out).as_ref()
                == Some(&order["value"])
        };
        watch.rows.wait_for(shown).await.map_err(ended)?;
        Ok(Json::Null)
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Writer => "writer",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

fn fate(fate: &Fate) -> Json {
    let (name, code) = match fate {
        Fate::Pending => ("pending", None),
        Fate::Confirmed(_) => ("confirmed", None),
        Fate::Rejected(_, rejection) => ("rejected", Some(rejection.reason.name())),
        Fate::Refused(reason) => ("refused", Some(reason.name())),
    };
    json!({ "fate": name, "code": code })
}
