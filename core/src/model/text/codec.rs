//! The one encoding of a text: an array of its runs, joined where neighbours are alike.
//!
//! Called by `text.rs`. A settled run is a string. Any other is an array of its characters (a string,
//! or their number once deleted), its tag (nil when settled, else author, seq, id of the first
//! character, id that it hangs on or nil), and author and seq of every deletion.

use super::Text;
use super::block::{BLOCK_RUNS_MAX, Block};
use super::run::{Run, Stamp, Tag};
use crate::model::encoding::{BodyError, Decoder, Encoder};
use crate::sorted::SortedMap;
use rmp::Marker;
use std::borrow::Cow;
use std::sync::Arc;
use veilfold_wire::MemberNo;

/// Most bytes of the header of an array.
pub(super) const HEADER_BYTES: usize = 5;
/// Most bytes of a run besides its text and deletions: two array headers, the header of the text,
/// four numbers.
const RUN_BYTES: usize = 3 * HEADER_BYTES + 4 * 9;
/// Most bytes of a deletion.
const STAMP_BYTES: usize = 2 * 9;
/// Most characters in all, deleted ones too, so that counts fit everywhere; the Entries of a window
/// cannot hold as many.
const CHARS_MAX: u64 = u32::MAX as u64;

pub(super) fn run_bound(run: &Run) -> usize {
    RUN_BYTES + run.text.len() + STAMP_BYTES * run.deleted.len()
}

/// A splice adds at most one run and three cuts, each with all deletions of the run that was cut (and
/// one more by the same author); every deleted character takes a stamp and may become an array.
pub(super) fn splice_bound(deleters: usize, delete: usize) -> usize {
    let cuts = 4 * (RUN_BYTES + STAMP_BYTES * (deleters + 1));
    delete.saturating_mul(STAMP_BYTES + HEADER_BYTES).saturating_add(cuts)
}

pub(super) fn encode(text: &Text, out: &mut Encoder) {
    let mut starts = 0;
    let mut left: Option<&Run> = None;
    for run in text.runs() {
        starts += usize::from(!left.is_some_and(|left| run.continues(left)));
        left = Some(run);
    }
    out.array(starts);
    let mut joined: Option<Cow<'_, Run>> = None;
    let mut left: Option<&Run> = None;
    for run in text.runs() {
        match &mut joined {
            Some(joined) if left.is_some_and(|left| run.continues(left)) => {
                joined.to_mut().absorb(run);
            }
            _ => {
                if let Some(joined) = joined.replace(Cow::Borrowed(run)) {
                    encode_run(&joined, text.first_id, out);
                }
            }
        }
        left = Some(run);
    }
    if let Some(joined) = joined {
        encode_run(&joined, text.first_id, out);
    }
}

fn encode_run(run: &Run, first_id: u64, out: &mut Encoder) {
    if run.tag.is_none() && run.is_visible() {
        out.str(&run.text);
        return;
    }
    out.array(2 + 2 * run.deleted.len());
    if run.is_visible() {
        out.str(&run.text);
    } else {
        out.uint(run.chars as u64);
    }
    match &run.tag {
        None => out.nil(),
        Some(tag) => {
            out.array(4);
            out.uint(tag.stamp.author.0);
            out.uint(tag.stamp.seq);
            out.uint(tag.id);
            match tag.origin.filter(|id| *id >= first_id) {
                Some(origin) => out.uint(origin),
                None => out.nil(),
            }
        }
    }
    for stamp in &run.deleted {
        out.uint(stamp.author.0);
        out.uint(stamp.seq);
    }
}

pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Text, BodyError> {
    let bytes = input.rest();
    let len = input.array(usize::MAX, "text")?;
    let mut runs = Vec::with_capacity(len.min(1024));
    let mut chars = 0u64;
    for _ in 0..len {
        let run = decode_run(input)?;
        chars = chars.saturating_add(run.chars as u64);
        if chars > CHARS_MAX {
            return Err(BodyError::TooLarge { field: "text" });
        }
        runs.push(run);
    }
    let (first_id, next_id) = check_ids(&runs)?;
    let mut blocks = Vec::with_capacity(runs.len().div_ceil(BLOCK_RUNS_MAX / 2));
    let mut pieces = runs.into_iter().flat_map(Run::into_pieces);
    loop {
        let part: Vec<Run> = pieces.by_ref().take(BLOCK_RUNS_MAX / 2).collect();
        if part.is_empty() {
            break;
        }
        blocks.push(Arc::new(Block::new(part)));
    }
    let text = Text { blocks, next_id, first_id };
    // Unjoined neighbours, long numbers and the like are second spellings of the same text.
    let mut canonical = Encoder::with_capacity(bytes.len());
    text.encode(&mut canonical);
    if bytes[..bytes.len() - input.remaining()] == canonical.finish() {
        Ok(text)
    } else {
        Err(BodyError::NotCanonical)
    }
}

fn decode_run(input: &mut Decoder<'_>) -> Result<Run, BodyError> {
    let is_string =
        |marker| matches!(marker, Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32);
    if is_string(input.peek("text.run")?) {
        return visible(input);
    }
    let len = input.array(usize::MAX, "text.run")?;
    if len < 2 || len % 2 != 0 {
        return Err(BodyError::WrongType { field: "text.run" });
    }
    let mut run = if is_string(input.peek("text.chars")?) {
        visible(input)?
    } else {
        let count = input.uint("text.chars")?;
        let chars = usize::try_from(count).ok().filter(|_| (1..=CHARS_MAX).contains(&count));
        let chars = chars.ok_or(BodyError::TooLarge { field: "text.chars" })?;
        Run { tag: None, deleted: Vec::new(), text: String::new(), chars }
    };
    run.tag = decode_tag(input)?;
    for _ in 0..len / 2 - 1 {
        let stamp = decode_stamp(input)?;
        if run.deleted.last().is_some_and(|last| last.author >= stamp.author) {
            return Err(BodyError::NotCanonical);
        }
        run.deleted.push(stamp);
    }
    if run.text.is_empty() == run.deleted.is_empty() {
        return Err(BodyError::WrongType { field: "text.chars" });
    }
    Ok(run)
}

fn visible(input: &mut Decoder<'_>) -> Result<Run, BodyError> {
    let text = input.str(usize::MAX, "text.chars")?;
    if text.is_empty() {
        return Err(BodyError::TooShort { field: "text.chars" });
    }
    Ok(Run::new(text.to_owned(), None))
}

fn decode_tag(input: &mut Decoder<'_>) -> Result<Option<Tag>, BodyError> {
    if input.peek("text.tag")? == Marker::Null {
        input.nil("text.tag")?;
        return Ok(None);
    }
    input.tuple(4, "text.tag")?;
    let (stamp, id) = (decode_stamp(input)?, input.uint("text.id")?);
    let origin = match input.peek("text.origin")? {
        Marker::Null => input.nil("text.origin").map(|()| None)?,
        _ => Some(input.uint("text.origin")?),
    };
    Ok(Some(Tag { stamp, id, origin }))
}

fn decode_stamp(input: &mut Decoder<'_>) -> Result<Stamp, BodyError> {
    Ok(Stamp { author: MemberNo(input.uint("text.author")?), seq: input.uint("text.seq")? })
}

/// Checks that ids are unique, and that what a character hangs on is there and older. Returns the first id and the one behind the last.
fn check_ids(runs: &[Run]) -> Result<(u64, u64), BodyError> {
    let bad = BodyError::Unknown { field: "text.id" };
    let mut ranges = SortedMap::new();
    for run in runs {
        if let Some(tag) = &run.tag {
            let end = tag.id.checked_add(run.chars as u64).ok_or(bad)?;
            if ranges.insert(tag.id, end).is_some() {
                return Err(bad);
            }
        }
    }
    let ranges = ranges.into_rows();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(bad);
    }
    for (tag, origin) in runs.iter().filter_map(|run| run.tag.and_then(|tag| Some((tag, tag.origin?)))) {
        let below = ranges.partition_point(|(id, _)| *id <= origin);
        if origin >= tag.id || below == 0 || ranges[below - 1].1 <= origin {
            return Err(bad);
        }
    }
    Ok((ranges.first().map_or(0, |range| range.0), ranges.last().map_or(0, |range| range.1)))
}
