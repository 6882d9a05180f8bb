//! A table of what was made, at the end of the verbs that make something.

/// Columns as wide as their widest cell, two spaces apart; the first row is the head.
pub fn text(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            // Numbers stand at the right, so that they can be compared.
            let number = cell.starts_with(|first: char| first.is_ascii_digit());
            if number { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Bytes for people: 12,537,312.
pub fn bytes(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_numbers_stand_at_the_right() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let table = text(&[row(&["slice", "size"]), row(&["ios", "1,000"]), row(&["macos", "20"])]);
        assert_eq!(table, "slice  size\nios    1,000\nmacos     20\n");
    }

    #[test]
    fn bytes_are_grouped_by_thousands() {
        let shown: Vec<String> = [0, 999, 1_000, 12_537_312].into_iter().map(bytes).collect();
        assert_eq!(shown, ["0", "999", "1,000", "12,537,312"]);
    }
}
