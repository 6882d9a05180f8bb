//! The first part: a household's list, edited by two people who are both offline.

use super::Outcome;
use super::people::{People, agree};
use super::show::Words;
use serde_json::{Value, json};
use veilfold_core::client::{Collection, Space};
use veilfold_core::model::{ElementId, Place, TextSplice};

const SPACE: &str = "Lindenstrasse household";
const LISTS: &str = "shopping-lists";
const WEEKEND: &str = "weekend-at-the-lake";
const BOTTLES: &str = "bottles_brought_back";
const WLAN: &str = "wlan_password";
/// A value of forty characters.
const SECRET: &str = "a-long-password-of-exactly-40-characters";
const NOTE: &str = "The market closes at noon.";
const ITEMS: [&str; 3] = ["sourdough bread", "mountain cheese", "elderflower syrup"];
const ALICE_ADDS: &str = "apricot dumplings";
const BOB_ADDS: &str = "blackcurrant jam";
const ALICE_TYPES: &str = " Alice brings cash.";
const BOB_TYPES: &str = " Bob takes the bicycle.";
const PRESSES: usize = 10;

/// What became of it.
pub struct Household {
    /// Everybody sees the same in the end.
    pub converged: bool,
    /// What the counter shows.
    pub counter: i64,
    spaces: Vec<Space>,
}

impl Household {
    /// The words that nobody else may see.
    pub fn words(&self) -> Vec<String> {
        let fixed = [SPACE, LISTS, WEEKEND, BOTTLES, WLAN, SECRET, NOTE, ALICE_ADDS, BOB_ADDS];
        let typed = [ALICE_TYPES, BOB_TYPES].map(str::trim);
        fixed.iter().chain(&ITEMS).chain(&typed).map(|word| (*word).to_owned()).collect()
    }

    /// Everybody's handle on the Space.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// Shares a Space and edits it, together, apart, and together again.
    pub async fn live_in(people: &People, words: Words) -> Outcome<Self> {
        let spaces = people.share(SPACE).await?;
        words.say("  Bob shows his contact card, Alice adds it, Bob opens the ticket she gives him.");
        words.say("  Alice writes a list:\n");
        let alice = spaces[0].collection(LISTS);
        let bob = spaces[1].collection(LISTS);
        alice.put(WEEKEND, json!({ BOTTLES: 0, WLAN: SECRET, "items": ITEMS })).await?;
        alice.text_create(WEEKEND, "note", NOTE).await?;
        agree(&spaces).await?;
        print(words, &[("Bob sees", &bob)]).await?;

        people.go_offline().await?;
        words.say("\n  Both go offline. Each presses +1 ten times, edits the list, and types in the note.\n");
        for _ in 0..PRESSES {
            alice.increment(WEEKEND, BOTTLES, 1).await?;
            bob.increment(WEEKEND, BOTTLES, 1).await?;
        }
        // Both put something behind the bread; she strikes the cheese off while he moves it up.
        let (bread, cheese) = (element(&alice, 0).await?, element(&alice, 1).await?);
        let behind_bread = Place { after: Some(bread), before: None };
        alice.list_insert(WEEKEND, "items", behind_bread, ALICE_ADDS).await?;
        alice.list_remove(WEEKEND, "items", cheese).await?;
        bob.list_insert(WEEKEND, "items", behind_bread, BOB_ADDS).await?;
        bob.list_move(WEEKEND, "items", cheese, Place::default()).await?;
        type_in(&alice, ALICE_TYPES).await?;
        type_in(&bob, BOB_TYPES).await?;
        print(words, &[("Alice sees", &alice), ("Bob sees", &bob)]).await?;
        let waiting = (spaces[0].status().await?.outbox_count, spaces[1].status().await?.outbox_count);
        words.say(format!("\n  {} and {} Transactions wait in their Outboxes.", waiting.0, waiting.1));

        people.come_back().await?;
        let end = agree(&spaces).await?;
        words.say(format!("  Both come back; the order has {end} Entries now.\n"));
        print(words, &[("Alice sees", &alice), ("Bob sees", &bob)]).await?;
        let seen = read(&alice).await?;
        let converged = seen == read(&bob).await? && is_as_meant(&seen);
        Ok(Self { converged, counter: seen[BOTTLES].as_i64().unwrap_or_default(), spaces })
    }
}

/// Nothing that anybody meant is lost, and what both typed stands whole.
fn is_as_meant(seen: &Value) -> bool {
    let items: Vec<&str> = seen["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let note = seen["note"].as_str().unwrap_or_default();
    let both = [format!("{NOTE}{ALICE_TYPES}{BOB_TYPES}"), format!("{NOTE}{BOB_TYPES}{ALICE_TYPES}")];
    seen[BOTTLES] == 2 * PRESSES
        && seen[WLAN] == SECRET
        && items.len() == 4
        && [ITEMS[0], ALICE_ADDS, BOB_ADDS, ITEMS[2]].iter().all(|item| items.contains(item))
        && both.iter().any(|both| both == note)
}

/// One Transaction for each key, at the end of the note.
async fn type_in(collection: &Collection, text: &str) -> Outcome<()> {
    for (offset, key) in (NOTE.chars().count() as u64..).zip(text.chars()) {
        let splice = TextSplice { offset, delete: 0, insert: key.to_string() };
        collection.text_edit(WEEKEND, "note", vec![splice]).await?;
    }
    Ok(())
}

async fn element(collection: &Collection, index: usize) -> Outcome<ElementId> {
    let elements = collection.elements(WEEKEND, "items").await?;
    Ok(elements.get(index).map(|(id, _)| *id).ok_or("the list is shorter than it should be")?)
}

async fn read(collection: &Collection) -> Outcome<Value> {
    let json = collection.get_json(WEEKEND).await?.ok_or("the list is not there")?;
    Ok(serde_json::from_slice(&json)?)
}

async fn print(words: Words, views: &[(&str, &Collection)]) -> Outcome<()> {
    for (who, collection) in views {
        let seen = read(collection).await?;
        let items = seen["items"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let items: Vec<&str> = items.collect();
        words.say(format!("    {who:<11} bottles brought back: {}", seen[BOTTLES]));
        words.say(format!("    {:<11} {}", "", items.join(", ")));
        words.say(format!("    {:<11} {}", "", seen["note"].as_str().unwrap_or_default()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_as_long_as_it_says() {
        assert_eq!(SECRET.len(), 40);
    }
}
