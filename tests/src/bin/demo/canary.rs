//! Looks for words of the users where only ciphertext may be: in files and in recorded messages.
//!
//! Each word is sought as UTF-8, UTF-16 in both byte orders, hex in both cases, and base64 in both
//! alphabets at all three alignments. What to look through is left to the caller.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Shorter words would be found in random bytes by chance.
const WORD_BYTES_MIN: usize = 8;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Words in all their spellings, ready to be sought in one pass.
pub struct Canaries {
    words: usize,
    /// The spellings by their first two bytes.
    by_head: BTreeMap<[u8; 2], Vec<Spelling>>,
}

struct Spelling {
    word: String,
    how: &'static str,
    bytes: Vec<u8>,
}

/// Where words were found, and how often.
#[derive(Debug, Default)]
pub struct Hits {
    /// Bytes that were looked through.
    pub searched_bytes: u64,
    /// All hits together.
    pub count: u64,
    /// Per word and spelling.
    pub by_spelling: BTreeMap<(String, &'static str), u64>,
}

impl Canaries {
    /// # Panics
    /// When a word is so short that random bytes contain it.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut canaries = Self { words: 0, by_head: BTreeMap::new() };
        for word in words {
            assert!(word.len() >= WORD_BYTES_MIN, "`{word}` is too short to be looked for");
            canaries.words += 1;
            let mut spellings = spellings(word);
            // ASCII letters spell the same in both base64 alphabets most of the time.
            spellings.sort_by(|a, b| a.1.cmp(&b.1));
            spellings.dedup_by(|a, b| a.1 == b.1);
            for (how, bytes) in spellings {
                let spelling = Spelling { word: word.to_owned(), how, bytes };
                let head = [spelling.bytes[0], spelling.bytes[1]];
                canaries.by_head.entry(head).or_default().push(spelling);
            }
        }
        canaries
    }

    /// How many words, and how many spellings of them.
    pub fn counts(&self) -> (usize, usize) {
        (self.words, self.by_head.values().map(Vec::len).sum())
    }

    /// Looks through bytes.
    pub fn search(&self, bytes: &[u8], hits: &mut Hits) {
        hits.searched_bytes += bytes.len() as u64;
        let mut interesting = vec![false; 1 << 16];
        for head in self.by_head.keys() {
            interesting[usize::from(u16::from_be_bytes(*head))] = true;
        }
        for (index, head) in bytes.windows(2).enumerate() {
            let head = [head[0], head[1]];
            if !interesting[usize::from(u16::from_be_bytes(head))] {
                continue;
            }
            for spelling in self.by_head.get(&head).into_iter().flatten() {
                if bytes[index..].starts_with(&spelling.bytes) {
                    hits.count += 1;
                    *hits.by_spelling.entry((spelling.word.clone(), spelling.how)).or_default() += 1;
                }
            }
        }
    }

    /// Looks through every file below a folder, and through the files' names.
    ///
    /// # Errors
    /// As the file system says; what cannot be read was not searched.
    pub fn search_folder(&self, folder: &Path, hits: &mut Hits) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            self.search(path.as_os_str().as_encoded_bytes(), hits);
            if path.is_dir() {
                self.search_folder(&path, hits)?;
            } else {
                self.search(&std::fs::read(&path)?, hits);
            }
        }
        Ok(())
    }
}

fn spellings(word: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf8 = word.as_bytes().to_vec();
    let utf16 = |order: fn(u16) -> [u8; 2]| word.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let hex = |digits: &[u8; 16]| {
        let nibbles = utf8.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        nibbles.map(|nibble| digits[usize::from(nibble)]).collect::<Vec<u8>>()
    };
    let mut all = vec![
        ("UTF-16 LE", utf16(u16::to_le_bytes)),
        ("UTF-16 BE", utf16(u16::to_be_bytes)),
        ("hex", hex(b"0123456789abcdef")),
        ("hex", hex(b"0123456789ABCDEF")),
    ];
    for before in 0..3 {
        all.push(("base64", base64_inside(&utf8, before, STANDARD)));
        all.push(("base64", base64_inside(&utf8, before, URL_SAFE)));
    }
    all.push(("UTF-8", utf8));
    all
}

/// The characters of a base64 text that depend on `bytes` alone, when `before` other bytes precede
/// them in their group of three.
fn base64_inside(bytes: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![false; before * 8];
    bits.extend(bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)));
    // The first character that holds no bit of what precedes, up to the last one that is complete.
    let whole = bits.chunks_exact(6).skip((before * 8).div_ceil(6));
    let value = |bits: &[bool]| bits.iter().fold(0, |value, bit| value << 1 | usize::from(*bit));
    whole.map(|bits| alphabet[value(bits)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(haystack: &[u8]) -> Vec<&'static str> {
        let mut hits = Hits::default();
        Canaries::new(["a secret word"]).search(haystack, &mut hits);
        hits.by_spelling.into_keys().map(|(_, how)| how).collect()
    }

    #[test]
    fn a_word_is_found_in_every_spelling() {
        assert_eq!(found(b"... a secret word ..."), ["UTF-8"]);
        assert_eq!(found(b"\x07a\0 \0s\0e\0c\0r\0e\0t\0 \0w\0o\0r\0d\0"), ["UTF-16 LE"]);
        assert_eq!(found(b"\x07\0a\0 \0s\0e\0c\0r\0e\0t\0 \0w\0o\0r\0d"), ["UTF-16 BE"]);
        assert_eq!(found(b"x6120736563726574 776f7264x612073656372657420776f7264"), ["hex"]);
        assert_eq!(found(b"x6120736563726574 776F7264x612073656372657420776F7264"), ["hex"]);
        // Of `a secret word.`, `.a secret word.` and `..a secret word.`.
        for text in ["YSBzZWNyZXQgd29yZC4=", "LmEgc2VjcmV0IHdvcmQu", "Li5hIHNlY3JldCB3b3JkLg=="] {
            assert_eq!(found(text.as_bytes()), ["base64"], "{text}");
        }
        assert_eq!(found(b"a secret wor"), [""; 0]);
    }
}
