//! The record of all histories that were ever played in shares: `tests/simulation/TOTAL.json`.

use serde_json::{Value, json};
use std::path::Path;

/// What was played, as ranges of seeds in order.
pub struct Total {
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    /// How many seeds from there.
    count: u64,
    commit: String,
    date: String,
    violations: Vec<u64>,
}

impl Range {
    fn holds(&self, seed: u64) -> bool {
        self.first <= seed && seed < self.end()
    }

    /// The first seed after it.
    fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl Total {
    /// Reads the record; nothing was played when there is none.
    pub fn read(file: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).ok_or("not a record of histories".to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self { ranges: Vec::new() }),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Changes the record as it is now, which another share may have changed meanwhile. Shares that note
    /// something at the same time wait for each other, by a lock in `target`.
    pub fn change(file: &Path, target: &Path, change: impl FnOnce(&mut Self)) -> Result<(), String> {
        let text = |error: std::io::Error| error.to_string();
        let lock = std::fs::File::create(target.join("sim-total.lock")).map_err(text)?;
        lock.lock().map_err(text)?;
        let mut total = Self::read(file)?;
        change(&mut total);
        total.write(file).map_err(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let range = |range: &Value| {
            Some(Range {
                first: range["first_seed"].as_u64()?,
                count: range["histories"].as_u64()?,
                commit: range["commit"].as_str()?.to_owned(),
                date: range["date"].as_str()?.to_owned(),
                violations: range["violations"].as_array()?.iter().filter_map(Value::as_u64).collect(),
            })
        };
        Some(Self { ranges: json["ranges"].as_array()?.iter().map(range).collect::<Option<_>>()? })
    }

    /// The first seed after the range that holds this one.
    pub fn played_up_to(&self, seed: u64) -> Option<u64> {
        self.ranges.iter().find(|range| range.holds(seed)).map(Range::end)
    }

    /// Adds a piece, to the range that it goes on from if there is one.
    pub fn note(&mut self, first: u64, count: u64, commit: &str, date: &str, violations: &[u64]) {
        // Two shares that overlap can play a piece at the same time: it counts once.
        if let Some(range) = self.ranges.iter_mut().find(|range| range.holds(first)) {
            let mut new = violations.to_vec();
            new.retain(|seed| !range.violations.contains(seed));
            return range.violations.extend(new);
        }
        let goes_on =
            |range: &&mut Range| range.end() == first && range.commit == commit && range.date == date;
        match self.ranges.iter_mut().find(goes_on) {
            Some(range) => {
                range.count += count;
                range.violations.extend(violations);
            }
            None => {
                let (commit, date) = (commit.to_owned(), date.to_owned());
                self.ranges.push(Range { first, count, commit, date, violations: violations.to_vec() });
                self.ranges.sort_by_key(|range| range.first);
            }
        }
    }

    /// Writes the record; whoever is killed meanwhile leaves the old one.
    fn write(&self, file: &Path) -> std::io::Result<()> {
        let new = file.with_extension("new");
        std::fs::write(&new, self.text())?;
        std::fs::rename(new, file)
    }

    fn text(&self) -> String {
        let all: u64 = self.ranges.iter().map(|range| range.count).sum();
        let violations: usize = self.ranges.iter().map(|range| range.violations.len()).sum();
        let ranges = self.ranges.iter().map(|range| {
            let Range { first, count, commit, date, violations } = range;
            json!({ "first_seed": first, "histories": count, "commit": commit, "date": date,
                "violations": violations })
            .to_string()
        });
        let ranges = ranges.collect::<Vec<_>>().join(",\n    ");
        format!(
            "{{\n  \"histories\": {all},\n  \"violations\": {violations},\n  \"ranges\": [\n    {ranges}\n  ]\n}}\n"
        )
    }
}

/// The seeds that failed, from the last line of `veilfold-sim --json`.
pub fn violations(text: &str) -> Option<Vec<u64>> {
    let line = text.lines().rev().find(|line| line.starts_with('{'))?;
    let json: Value = serde_json::from_str(line).ok()?;
    Some(json["violations"].as_array()?.iter().filter_map(Value::as_u64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_was() {
        let mut total = Total { ranges: Vec::new() };
        total.note(1, 1_000, "abc", "2026-01-01", &[]);
        total.note(1_001, 500, "abc", "2026-01-01", &[1_200]);
        total.note(1_501, 500, "def", "2026-01-02", &[]);
        let again = Total::parse(&total.text());
        let again = again.unwrap_or(Total { ranges: Vec::new() });
        assert_eq!(again.ranges, total.ranges);
        assert_eq!((again.played_up_to(1), again.played_up_to(1_700)), (Some(1_501), Some(2_001)));
        assert_eq!(again.played_up_to(2_001), None);
    }

    #[test]
    fn what_two_shares_played_counts_once() {
        let mut total = Total { ranges: Vec::new() };
        total.note(1, 1_000, "abc", "2026-01-01", &[]);
        total.note(501, 500, "abc", "2026-01-01", &[600]);
        total.note(501, 500, "abc", "2026-01-01", &[600]);
        let range = &total.ranges[0];
        assert_eq!((total.ranges.len(), range.count, &*range.violations), (1, 1_000, &[600][..]));
    }

    #[test]
    fn shares_beside_each_other_lose_nothing() {
        let folder = std::env::temp_dir().join(format!("veilfold-total-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("TOTAL.json");
        std::thread::scope(|scope| {
            for share in 0..4 {
                let (file, folder) = (&file, &folder);
                scope.spawn(move || {
                    for piece in 0..20 {
                        let first = 1 + share * 1_000 + piece * 10;
                        Total::change(file, folder, |total| total.note(first, 10, "abc", "2026-01-01", &[]))
                            .unwrap();
                    }
                });
            }
        });
        let counts: Vec<u64> = Total::read(&file).unwrap().ranges.iter().map(|range| range.count).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(counts, [200; 4]);
    }

    #[test]
    fn what_failed_is_read_from_the_last_line() {
        assert_eq!(violations("text\n{\"violations\":[7]}\nend"), Some(vec![7]));
        assert_eq!(violations("text"), None);
    }
}
