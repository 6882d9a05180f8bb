//! A script: steps and what is expected of each, as data.
//!
//! ```json
//! {"name": "…", "parts": ["alice", "bob"], "steps": [
//!   {"as": "alice", "do": "create_space", "name": "Groceries", "keep": {"/space": "groceries"}},
//!   {"as": "bob", "do": "get", "collection": "items", "id": "milk", "answers": {"o": {}}},
//!   {"as": "bob", "do": "get", …, "fails": {"kind": "invalid", "code": "closed"}},
//!   {"check": "equal_roots"},
//!   {"check": "codec", "json": "{\"a\":1.0}", "typed": {"o": {"a": {"f": "3ff0000000000000"}}}}
//! ]}
//! ```
//!
//! A text `$vector:FILE#POINTER` stands for a part of a golden vector. What each order means says `README.md` beside the scripts. `keep` stores fields of an answer, found
//! by JSON Pointers, under names; a text that starts with `$` stands for what was kept. `open` gets the
//! part's own store and the Relay, unless the step says `"relay": null`. `"from": "kept"` beside `parts` begins
//! with the stores and the Relay's data in that folder, as they were left there by a script played long ago.

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use veilfold_tests::player::{Language, Player};
use veilfold_tests::relay_process::RelayProcess;

/// A script as it was read.
pub struct Script {
    pub name: String,
    parts: Vec<String>,
    /// Where the stores lie that it begins with, if it does not begin with nothing.
    from: Option<PathBuf>,
    steps: Vec<Json>,
}

/// What a text starts with that stands for a part of a golden vector: `$vector:FILE#POINTER`.
const VECTOR: &str = "vector:";

fn vector(place: &str) -> Json {
    let (file, pointer) = place.split_once('#').unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1").join(file);
    let json: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    json.pointer(pointer).unwrap_or_else(|| panic!("{file} has no {pointer}")).clone()
}

/// Who plays, and what was kept on the way.
struct Stage<'a> {
    players: Vec<Player>,
    /// Which player has which part.
    cast: BTreeMap<&'a str, usize>,
    kept: BTreeMap<String, Json>,
    folder: &'a Path,
    relay: String,
}

impl Script {
    /// Every script of `tests/scenarios`, by name.
    pub fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        files.sort();
        assert!(!files.is_empty(), "there are no scripts");
        files.iter().map(|path| Self::read(path)).collect()
    }

    /// Reads one.
    ///
    /// # Panics
    /// When it is none.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let json: Json =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let parts = json["parts"].as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned());
        Self {
            name: json["name"].as_str().unwrap().to_owned(),
            parts: parts.collect(),
            from: json["from"].as_str().map(|from| path.with_file_name(from)),
            steps: json["steps"].as_array().unwrap().clone(),
        }
    }

    /// Plays it: every language has one player, which holds all parts that fall to it.
    ///
    /// # Panics
    /// When an answer is not the expected one.
    pub fn play(&self, cast: &dyn Fn(usize) -> Language) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(from) = &self.from {
            copy(from, folder.path());
        }
        self.play_in(folder.path(), cast);
    }

    /// As [`Script::play`], and leaves the stores and the Relay's data in `folder`.
    ///
    /// # Panics
    /// When an answer is not the expected one.
    pub fn play_in(&self, folder: &Path, cast: &dyn Fn(usize) -> Language) {
        let relay = RelayProcess::start(&folder.join("relay"), "127.0.0.1:0").unwrap();
        let mut stage = Stage {
            players: Vec::new(),
            cast: BTreeMap::new(),
            kept: BTreeMap::new(),
            folder,
            relay: format!("ws://{}", relay.address()),
        };
        for (index, part) in self.parts.iter().enumerate() {
            let language = cast(index);
            let there = stage.players.iter().position(|player| player.language == language.name);
            let player = there.unwrap_or_else(|| {
                stage.players.push(Player::start(&language).unwrap());
                stage.players.len() - 1
            });
            stage.cast.insert(part, player);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let place = format!("{}, step {}: {step}", self.name, index + 1);
            match step["check"].as_str() {
                Some("equal_roots") => stage.check_roots(&self.parts, &place),
                Some("codec") => stage.check_codec(step, &self.parts, &place),
                Some(other) => panic!("{place}: there is no check {other}"),
                None => stage.play(step, &place),
            }
        }
        for player in stage.players {
            player.end().unwrap();
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let copied = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&copied).unwrap();
            copy(&entry.path(), &copied);
        } else {
            std::fs::copy(entry.path(), copied).unwrap();
        }
    }
}

impl Stage<'_> {
    fn play(&mut self, step: &Json, place: &str) {
        let mut order = self.filled(step).as_object().unwrap().clone();
        let said = ["keep", "answers", "fails"].map(|field| order.remove(field));
        let part = order["as"].as_str().unwrap().to_owned();
        if order["do"] == "open" {
            order.insert("path".to_owned(), json!(self.folder.join(format!("{part}.db"))));
            order.entry("relay").or_insert_with(|| json!(self.relay));
        }
        let answer = self.tell(&part, Json::Object(order));
        let [keep, answers, fails] = said;
        if let Some(wanted) = fails {
            assert_eq!(answer["error"], wanted, "{place}: {answer}");
            return;
        }
        assert!(answer.get("ok").is_some(), "{place}: {answer}");
        if let Some(wanted) = answers {
            assert_eq!(answer["ok"], wanted, "{place}");
        }
        for (path, name) in keep.iter().flat_map(|keep| keep.as_object().unwrap()) {
            let value = answer["ok"].pointer(path);
            let value = value.unwrap_or_else(|| panic!("{place}: the answer has no {path}: {answer}"));
            self.kept.insert(name.as_str().unwrap().to_owned(), value.clone());
        }
    }

    fn tell(&mut self, part: &str, order: Json) -> Json {
        let player = self.cast[part];
        self.players[player].obey(&order).unwrap()
    }

    /// Everybody sends, everybody receives, and everybody has the same state.
    fn check_roots(&mut self, parts: &[String], place: &str) {
        let mut ask = |part: &str, mut order: Json| {
            order["as"] = json!(part);
            let answer = self.tell(part, order);
            answer.get("ok").unwrap_or_else(|| panic!("{place}: {part}: {answer}")).clone()
        };
        let seqs: Vec<u64> =
            parts.iter().map(|part| ask(part, json!({ "do": "synced" }))["seq"].as_u64().unwrap()).collect();
        let newest = seqs.into_iter().max();
        let roots: Vec<Json> = parts
            .iter()
            .map(|part| {
                ask(part, json!({ "do": "reached", "seq": newest }));
                ask(part, json!({ "do": "root" }))["root"].clone()
            })
            .collect();
        assert!(roots[0].as_str().is_some_and(|root| root.len() == 64), "{place}: {roots:?}");
        assert!(roots.iter().all(|root| *root == roots[0]), "{place}: {roots:?}");
    }

    /// Every part reads the text as these values, and what it writes of them is read alike by Rust.
    fn check_codec(&mut self, step: &Json, parts: &[String], place: &str) {
        let mut rust = Player::start(&Language::rust().unwrap()).unwrap();
        for part in parts {
            let said = self.tell(part, json!({ "do": "codec", "json": step["json"] }));
            assert_eq!(said["ok"]["typed"], step["typed"], "{place}: {part}: {said}");
            let again = rust.obey(&json!({ "do": "codec", "json": said["ok"]["json"] })).unwrap();
            assert_eq!(again["ok"]["typed"], step["typed"], "{place}: {part} wrote {said}");
        }
        rust.end().unwrap();
    }

    /// The step with what was kept in place of its names.
    fn filled(&self, json: &Json) -> Json {
        match json {
            Json::String(text) => match text.strip_prefix('$') {
                Some(name) if name.starts_with(VECTOR) => vector(&name[VECTOR.len()..]),
                Some(name) => {
                    self.kept.get(name).unwrap_or_else(|| panic!("nothing was kept as {name}")).clone()
                }
                None => json.clone(),
            },
            Json::Array(values) => values.iter().map(|value| self.filled(value)).collect(),
            Json::Object(fields) => {
                let fields = fields.iter().map(|(key, value)| (key.clone(), self.filled(value)));
                Json::Object(fields.collect::<Map<_, _>>())
            }
            _ => json.clone(),
        }
    }
}
