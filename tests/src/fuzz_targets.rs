//! What is done with bytes from outside in every fuzz target, and where good bytes come from.
//!
//! `tests/fuzz` feeds them by libFuzzer; `tests/fuzz_replay` replays corpora and past crashes and
//! counts how many damaged inputs still parse. A target panics when something is wrong.

mod answers;
mod damage;
mod decoders;
mod duo;
mod engine;
mod messages;
mod page;
mod recorded;
mod relay_session;
mod rows;
mod script;
mod values;

use crate::harness::Rng;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of an input that is not at fault for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does not parse.
    Refused,
    /// It got past parsing. A contact card whose signature is wrong did; so did a script of which at
    /// least one altered message did.
    Parsed,
}

impl Outcome {
    fn parsed(parsed: bool) -> Self {
        if parsed { Self::Parsed } else { Self::Refused }
    }
}

/// How inputs of a target are damaged without losing their shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Bits are flipped where they stand.
    Binary,
    /// Characters of base64url are replaced by others.
    Base64Url,
    /// Characters are replaced by printable ones.
    Text,
    /// Every string of bytes is good.
    Script,
}

/// A fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name: of its file, its corpus and its folder of crashes.
    pub name: &'static str,
    run: fn(&[u8]) -> Outcome,
    make: fn(&mut Rng) -> Vec<u8>,
    shape: Shape,
}

macro_rules! targets {
    ($($(#[doc = $doc:literal])* $(#[cfg($cfg:meta)])?
        $name:ident: $run:expr, $make:expr, $shape:ident;)*) => {
        $($(#[doc = $doc])* $(#[cfg($cfg)])?
        #[allow(non_upper_case_globals, reason = "named as the file, the corpus and the crashes are")]
        pub static $name: Target =
            Target { name: stringify!($name), run: $run, make: $make, shape: Shape::$shape };)*
        /// All targets.
        pub static TARGETS: &[&Target] = &[$($(#[cfg($cfg)])? &$name),*];
    };
}

targets! {
    /// What a Relay sends.
    relay_frame: decoders::relay_frame, messages::relay_frame, Binary;
    /// What a Device sends.
    device_frame: decoders::device_frame, messages::device_frame, Binary;
    /// A sealed Entry.
    entry: decoders::entry, messages::entry, Binary;
    /// The public part of a control Entry, and its fold.
    control: decoders::control, messages::control, Binary;
    /// The sealed part of a control Entry, and the stored names.
    roster: decoders::roster, messages::roster, Binary;
    /// Membership as a Device stores it.
    membership: decoders::membership, messages::membership, Binary;
    /// A contact card as bytes.
    card: decoders::card, messages::card, Binary;
    /// A contact card as text.
    card_text: decoders::card_text, messages::card_text, Base64Url;
    /// A ticket to a Space.
    ticket: decoders::ticket, messages::ticket, Base64Url;
    /// The plaintext of a data Entry.
    body: decoders::body, values::body, Binary;
    /// A document as a Device stores it.
    image: decoders::image, values::image, Binary;
    /// A collaborative text inside a document.
    text: decoders::text, values::text, Binary;
    /// JSON from an app.
    json: decoders::json, values::json, Text;
    /// A whole Device against a Relay that lies.
    engine: engine::run, script::random, Script;
    /// A whole Relay against devices that send anything.
    relay_session: relay_session::run, script::random, Script;
    /// A log with mistakes and damage, in pages of any size.
    page: page::run, script::random, Script;
    /// The sealed part of a `Settings` Entry, and what they have come to, as stored.
    settings: decoders::settings, messages::settings, Binary;
    /// Rows of what a Device has sent, wishes and knows.
    rows: rows::run, rows::make, Binary;
    /// What a resolver in another language answers.
    foreign: answers::foreign, answers::some_foreign, Text;
    /// What a module answers.
    #[cfg(feature = "wasm")]
    answer: answers::answer, answers::some_answer, Binary;
    /// A module.
    #[cfg(feature = "wasm")]
    module: answers::module, answers::some_module, Binary;
}

static RUNS: AtomicU64 = AtomicU64::new(0);
static PARSED: AtomicU64 = AtomicU64::new(0);
/// How often the share of inputs that parse is printed.
const SHARE_EVERY: u64 = 20_000;

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().copied().find(|target| target.name == name)
    }

    /// Does with one input what the target does.
    ///
    /// # Panics
    /// When that shows a fault.
    pub fn run(&self, input: &[u8]) -> Outcome {
        (self.run)(input)
    }

    /// The same for a fuzzer, whose process has one target: with `VEILFOLD_FUZZ_SHARE` set, the share
    /// of inputs that parse is printed now and then.
    pub fn feed(&self, input: &[u8]) {
        let outcome = self.run(input);
        static PRINTS: OnceLock<bool> = OnceLock::new();
        if !PRINTS.get_or_init(|| std::env::var_os("VEILFOLD_FUZZ_SHARE").is_some()) {
            return;
        }
        let runs = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
        let more = u64::from(outcome == Outcome::Parsed);
        let parsed = PARSED.fetch_add(more, Ordering::Relaxed) + more;
        if runs.is_multiple_of(SHARE_EVERY) {
            eprintln!("{}: {parsed} of {runs} inputs got past parsing", self.name);
        }
    }

    /// A good input.
    pub fn make(&self, rng: &mut Rng) -> Vec<u8> {
        (self.make)(rng)
    }

    /// Good inputs that come from a conversation of real devices and a Relay.
    pub fn recorded(&self) -> Vec<Vec<u8>> {
        recorded::messages(self.name)
    }

    /// Changes the first `size` bytes of `data`, which has room for `size_max`; gives the new size.
    /// `unshaped` is the fuzzer's own way, which knows nothing of the shape.
    pub fn mutate(
        &self,
        data: &mut [u8],
        size: usize,
        size_max: usize,
        seed: u32,
        unshaped: impl FnOnce(&mut [u8], usize, usize) -> usize,
    ) -> usize {
        let mut rng = Rng::new(seed.into());
        match rng.below(10) {
            0..3 => unshaped(data, size, size_max),
            3..6 if size > 0 && self.shape != Shape::Script => {
                damage::damage(self.shape, &mut data[..size], &mut rng);
                size
            }
            6..10 if self.shape != Shape::Script || rng.chance(50) => {
                let mut made = self.make(&mut rng);
                if made.is_empty() || made.len() > size_max {
                    return unshaped(data, size, size_max);
                }
                if rng.chance(500) {
                    damage::damage(self.shape, &mut made, &mut rng);
                }
                data[..made.len()].copy_from_slice(&made);
                made.len()
            }
            _ => unshaped(data, size, size_max),
        }
    }
}
