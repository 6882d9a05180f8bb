//! MessagePack written by hand: every number and length in its shortest form, floats in eight bytes.
//!
//! Called by `node.rs` and `text.rs`; knows nothing of documents.

/// A number that is not negative.
pub(super) fn uint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend([0xcc, value]);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(0xcd);
        out.extend(value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(0xce);
        out.extend(value.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(value.to_be_bytes());
    }
}

/// A signed number; one that is not negative is written as `uint` does.
pub(super) fn int(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        uint(out, value);
    } else if value >= -32 {
        out.push(value as u8);
    } else if let Ok(value) = i8::try_from(value) {
        out.push(0xd0);
        out.extend(value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend(value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend(value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(value.to_be_bytes());
    }
}

/// Nothing.
pub(super) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// A truth value.
pub(super) fn bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

/// A float with all its bits.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    out.push(0xcb);
    out.extend(value.to_bits().to_be_bytes());
}

/// A string.
pub(super) fn str(out: &mut Vec<u8>, value: &str) {
    let len = value.len();
    if len < 32 {
        out.push(0xa0 | len as u8)
    } else {
        length(out, len, Some(0xd9), 0xda, 0xdb)
    }
    out.extend(value.as_bytes());
}

/// Bytes.
pub(super) fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    length(out, value.len(), Some(0xc4), 0xc5, 0xc6);
    out.extend(value);
}

/// The head of an array.
pub(super) fn array(out: &mut Vec<u8>, len: usize) {
    if len < 16 { out.push(0x90 | len as u8) } else { length(out, len, None, 0xdc, 0xdd) }
}

/// The head of a map.
pub(super) fn map(out: &mut Vec<u8>, len: usize) {
    if len < 16 { out.push(0x80 | len as u8) } else { length(out, len, None, 0xde, 0xdf) }
}

/// A value of a kind of our own.
pub(super) fn extension(out: &mut Vec<u8>, kind: u8, inside: &[u8]) {
    match inside.len() {
        1 => out.push(0xd4),
        2 => out.push(0xd5),
        4 => out.push(0xd6),
        8 => out.push(0xd7),
        16 => out.push(0xd8),
        len => length(out, len, Some(0xc7), 0xc8, 0xc9),
    }
    out.push(kind);
    out.extend(inside);
}

fn length(out: &mut Vec<u8>, len: usize, one_byte: Option<u8>, two_bytes: u8, four_bytes: u8) {
    if let (Some(marker), Ok(len)) = (one_byte, u8::try_from(len)) {
        out.extend([marker, len]);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(two_bytes);
        out.extend(len.to_be_bytes());
    } else {
        out.push(four_bytes);
        out.extend((len as u32).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn every_number_is_as_short_as_it_can_be() {
        for value in [
            0,
            1,
            127,
            128,
            255,
            256,
            65_535,
            65_536,
            i64::from(u32::MAX),
            1 << 32,
            i64::MAX,
            -1,
            -32,
            -33,
            -128,
            -129,
            -32_768,
            -32_769,
            i64::from(i32::MIN),
            i64::from(i32::MIN) - 1,
            i64::MIN,
        ] {
            let mut theirs = Vec::new();
            rmp::encode::write_sint(&mut theirs, value).unwrap();
            assert_eq!(written(|out| int(out, value)), theirs, "{value}");
        }
    }

    #[test]
    fn every_length_is_as_short_as_it_can_be() {
        for len in [0, 1, 2, 3, 4, 8, 15, 16, 17, 31, 32, 255, 256, 65_535, 65_536] {
            let text = "x".repeat(len);
            let mut theirs = Vec::new();
            rmp::encode::write_str(&mut theirs, &text).unwrap();
            rmp::encode::write_bin(&mut theirs, text.as_bytes()).unwrap();
            rmp::encode::write_array_len(&mut theirs, len as u32).unwrap();
            rmp::encode::write_map_len(&mut theirs, len as u32).unwrap();
            rmp::encode::write_ext_meta(&mut theirs, len as u32, 3).unwrap();
            theirs.extend(text.as_bytes());
            let ours = written(|out| {
                str(out, &text);
                bytes(out, text.as_bytes());
                array(out, len);
                map(out, len);
                extension(out, 3, text.as_bytes());
            });
            assert_eq!(ours, theirs, "{len}");
        }
    }
}
