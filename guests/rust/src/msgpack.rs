//! JSON-like values as MessagePack: what a resolver is asked and answers in.
//!
//! Read and written by `lib.rs`. The reader takes every form of a number or a length, the writer uses
//! the shortest; lists, sets and texts of a document arrive as arrays and strings.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A document, or a map inside one.
pub type Fields = BTreeMap<String, Value>;

/// Any value of a document or of a call's arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, on purpose.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with all its bits. An answer that contains infinity or not-a-number is no document.
    Float(f64),
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// A map, in byte order of its keys.
    Map(Fields),
}

/// Deepest nesting of a document, with the lists and maps that it lies in.
const DEPTH_MAX: usize = 40;

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

/// A number as it was written, or a length.
enum Head {
    Nil,
    Bool(bool),
    Uint(u64),
    Int(i64),
    Float(f64),
    String(usize),
    Array(usize),
    Map(usize),
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// A number of `len` bytes, most significant first.
    fn number(&mut self, len: usize) -> Option<u64> {
        Some(self.take(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn head(&mut self) -> Option<Head> {
        let marker = *self.take(1)?.first()?;
        // The low bits of the marker say how many bytes the number or the length has.
        let size = |low: u8| 1_usize << (marker - low);
        Some(match marker {
            0x00..=0x7f => Head::Uint(marker.into()),
            0x80..=0x8f => Head::Map((marker & 0x0f).into()),
            0x90..=0x9f => Head::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Head::String((marker & 0x1f).into()),
            0xc0 => Head::Nil,
            0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
            0xcb => Head::Float(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => Head::Uint(self.number(size(0xcc))?),
            0xd0..=0xd3 => {
                let unused = 64 - 8 * size(0xd0);
                Head::Int((self.number(size(0xd0))? << unused) as i64 >> unused)
            }
            0xd9..=0xdb => Head::String(self.number(size(0xd9))? as usize),
            0xdc | 0xdd => Head::Array(self.number(2 * size(0xdc))? as usize),
            0xde | 0xdf => Head::Map(self.number(2 * size(0xde))? as usize),
            0xe0..=0xff => Head::Int((marker as i8).into()),
            _ => return None,
        })
    }

    pub fn nil(&mut self) -> bool {
        let is_nil = self.rest.first() == Some(&0xc0);
        self.rest = &self.rest[usize::from(is_nil)..];
        is_nil
    }

    pub fn uint(&mut self) -> Option<u64> {
        match self.head()? {
            Head::Uint(number) => Some(number),
            Head::Int(number) => number.try_into().ok(),
            _ => None,
        }
    }

    pub fn array(&mut self, len: usize) -> Option<()> {
        matches!(self.head()?, Head::Array(has) if has == len).then_some(())
    }

    pub fn string(&mut self) -> Option<String> {
        let Head::String(len) = self.head()? else { return None };
        self.text(len)
    }

    fn text(&mut self, len: usize) -> Option<String> {
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }

    pub fn value(&mut self) -> Option<Value> {
        Some(match self.head()? {
            Head::Nil => Value::Null,
            Head::Bool(value) => Value::Bool(value),
            Head::Uint(number) => Value::Int(number.try_into().ok()?),
            Head::Int(number) => Value::Int(number),
            Head::Float(number) => Value::Float(number),
            Head::String(len) => Value::String(self.text(len)?),
            Head::Array(len) => {
                self.deeper(|input| (0..len).map(|_| input.value()).collect::<Option<_>>().map(Value::Array))?
            }
            Head::Map(len) => self.deeper(|input| {
                let pair = |_| Some((input.string()?, input.value()?));
                (0..len).map(pair).collect::<Option<_>>().map(Value::Map)
            })?,
        })
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }
}

#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// A marker and the last `size` bytes of a number.
    fn marked(&mut self, marker: u8, number: u64, size: usize) {
        self.0.push(marker);
        self.0.extend_from_slice(&number.to_be_bytes()[8 - size..]);
    }

    /// A length in its shortest form: `few` is the marker that has room for it up to `most`; `long` are
    /// the ones that are followed by 1, 2 and 4 bytes.
    fn len(&mut self, len: usize, few: u8, most: usize, long: [Option<u8>; 3]) {
        let number = len as u64;
        match long {
            _ if len <= most => self.0.push(few | len as u8),
            [Some(marker), ..] if len <= 0xff => self.marked(marker, number, 1),
            [_, Some(marker), _] if len <= 0xffff => self.marked(marker, number, 2),
            [.., marker] => self.marked(marker.unwrap_or_default(), number, 4),
        }
    }

    pub fn array(&mut self, len: usize) {
        self.len(len, 0x90, 15, [None, Some(0xdc), Some(0xdd)]);
    }

    fn map(&mut self, len: usize) {
        self.len(len, 0x80, 15, [None, Some(0xde), Some(0xdf)]);
    }

    pub fn string(&mut self, text: &str) {
        self.len(text.len(), 0xa0, 31, [Some(0xd9), Some(0xda), Some(0xdb)]);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub fn uint(&mut self, number: u64) {
        match number {
            0..=0x7f => self.0.push(number as u8),
            0x80..=0xff => self.marked(0xcc, number, 1),
            0x100..=0xffff => self.marked(0xcd, number, 2),
            0x1_0000..=0xffff_ffff => self.marked(0xce, number, 4),
            _ => self.marked(0xcf, number, 8),
        }
    }

    fn int(&mut self, number: i64) {
        match number {
            0.. => self.uint(number as u64),
            -0x20..0 => self.0.push(number as u8),
            -0x80..-0x20 => self.marked(0xd0, number as u64, 1),
            -0x8000..-0x80 => self.marked(0xd1, number as u64, 2),
            -0x8000_0000..-0x8000 => self.marked(0xd2, number as u64, 4),
            _ => self.marked(0xd3, number as u64, 8),
        }
    }

    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.push(0xc0),
            Value::Bool(value) => self.0.push(0xc2 | u8::from(*value)),
            Value::Int(number) => self.int(*number),
            Value::Float(number) => self.marked(0xcb, number.to_bits(), 8),
            Value::String(text) => self.string(text),
            Value::Array(values) => {
                self.array(values.len());
                values.iter().for_each(|value| self.value(value));
            }
            Value::Map(fields) => {
                self.map(fields.len());
                for (name, value) in fields {
                    self.string(name);
                    self.value(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &Value) -> Vec<u8> {
        let mut out = Writer::default();
        out.value(value);
        out.finish()
    }

    fn read(bytes: &[u8]) -> Option<Value> {
        let mut input = Reader::new(bytes);
        let value = input.value()?;
        input.is_done().then_some(value)
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        let powers = (0..64).map(|power| 1_i64.wrapping_shl(power));
        let around = powers.flat_map(|at| [at.wrapping_sub(1), at, at.wrapping_neg(), !at]);
        let numbers: Vec<Value> = around.map(Value::Int).collect();
        let lengths = [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
        let texts = lengths.map(|len| Value::String("x".repeat(len)));
        let lists = lengths.map(|len| Value::Array(alloc::vec![Value::Bool(true); len]));
        let map = Value::Map((0..20).map(|key| (alloc::format!("{key}"), Value::Null)).collect());
        let floats = [0.0, -0.0, 1.5, f64::MAX].map(Value::Float);
        for value in numbers.into_iter().chain(texts).chain(lists).chain([map]).chain(floats) {
            let bytes = written(&value);
            assert_eq!(read(&bytes).as_ref(), Some(&value));
            assert_eq!(read(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn numbers_and_lengths_have_their_shortest_form() {
        for (number, len) in [(127, 1), (128, 2), (256, 3), (65_536, 5), (1 << 32, 9), (-32, 1), (-33, 2)] {
            assert_eq!(written(&Value::Int(number)).len(), len, "{number}");
        }
        assert_eq!(written(&Value::String("x".repeat(32))).len(), 34);
        assert_eq!(written(&Value::Array(alloc::vec![Value::Null; 16])).len(), 19);
    }

    #[test]
    fn other_forms_are_read_too() {
        assert_eq!(read(b"\xd1\x00\x05"), Some(Value::Int(5)));
        assert_eq!(read(b"\xcf\x00\x00\x00\x00\x00\x00\x00\x05"), Some(Value::Int(5)));
        assert_eq!(read(b"\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), None, "no document has such a number");
        assert_eq!(read(b"\xc1"), None);
        assert_eq!(read(b"\xa1\xff"), None, "not UTF-8");
        assert_eq!(read(&[0x91; 100]), None, "too deep");
    }
}
