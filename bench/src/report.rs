//! Takes the figures of a run and shows them: one JSON line each, or a table beside the limits.
//!
//! A figure may come several times, once per round; comparisons use its median. Nothing here judges
//! by exit code: a missed gate is said in words.

use std::collections::BTreeMap;
use std::io::Write;

/// Under which name our own figures stand.
pub const OWN: &str = "veilfold";

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Rates.
    More,
    /// Times and sizes.
    Less,
}

/// Names a figure: who, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    workload: &'static str,
    peer: String,
    metric: String,
}

/// A figure of ours and the limit of the same run.
struct Comparison {
    workload: &'static str,
    metric: String,
    limit: (String, String),
    better: Better,
    gate: Option<f64>,
    moonshot: Option<f64>,
}

/// All figures of a run.
pub struct Report {
    as_json: bool,
    figures: BTreeMap<Name, (Vec<f64>, &'static str)>,
    comparisons: Vec<Comparison>,
    remarks: Vec<String>,
}

impl Report {
    /// Starts with nothing.
    pub fn new(as_json: bool) -> Self {
        Self { as_json, figures: BTreeMap::new(), comparisons: Vec::new(), remarks: Vec::new() }
    }

    /// Says on standard error what is happening, since some steps take a while.
    pub fn progress(&self, what: &str) {
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stderr(), "· {what}");
    }

    /// Notes one figure.
    pub fn figure(
        &mut self,
        workload: &'static str,
        peer: &str,
        metric: &str,
        value: f64,
        unit: &'static str,
    ) {
        if self.as_json {
            let version = if peer == OWN { env!("CARGO_PKG_VERSION") } else { "-" };
            let value = if value.abs() >= 100.0 { value.round() } else { (value * 1e4).round() / 1e4 };
            let line = serde_json::json!({
                "peer": peer, "version": version, "workload": workload,
                "metric": metric, "value": value, "unit": unit,
            });
            print(&format!("{line}\n"));
        }
        let name = Name { workload, peer: peer.to_owned(), metric: metric.to_owned() };
        self.figures.entry(name).or_insert((Vec::new(), unit)).0.push(value);
    }

    /// Notes that our `metric` is to be laid beside another's. `gate` and `moonshot` are ratios of
    /// ours to theirs.
    pub fn compare(
        &mut self,
        workload: &'static str,
        metric: &str,
        (peer, their_metric): (&str, &str),
        better: Better,
        (gate, moonshot): (Option<f64>, Option<f64>),
    ) {
        let limit = (peer.to_owned(), their_metric.to_owned());
        let metric = metric.to_owned();
        let known =
            |other: &Comparison| (other.workload, &other.metric, &other.limit) == (workload, &metric, &limit);
        if !self.comparisons.iter().any(known) {
            self.comparisons.push(Comparison { workload, metric, limit, better, gate, moonshot });
        }
    }

    /// A sentence that belongs beside the figures.
    pub fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn median(&self, workload: &'static str, peer: &str, metric: &str) -> Option<(f64, &'static str)> {
        let name = Name { workload, peer: peer.to_owned(), metric: metric.to_owned() };
        let (values, unit) = self.figures.get(&name)?;
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Some((*sorted.get(sorted.len() / 2)?, unit))
    }

    /// Shows the tables, unless the figures were asked for as JSON.
    pub fn finish(&self) {
        if self.as_json {
            return;
        }
        let mut out = String::from(
            "\n| | measured | limit in the same run | ratio | gate | moonshot | |\n|---|---:|---|---:|---:|---:|---|\n",
        );
        for comparison in &self.comparisons {
            out.push_str(&self.row(comparison));
        }
        out.push_str("\nAll figures (median of the rounds):\n\n| | who | what | value | unit |\n|---|---|---|---:|---|\n");
        for (name, (_, unit)) in &self.figures {
            let (value, _) = self.median(name.workload, &name.peer, &name.metric).unwrap_or((0.0, unit));
            let Name { workload, peer, metric } = name;
            out.push_str(&format!("| {workload} | {peer} | {metric} | {} | {unit} |\n", shown(value)));
        }
        for remark in &self.remarks {
            out.push_str(&format!("\n- {remark}"));
        }
        out.push('\n');
        print(&out);
    }

    fn row(&self, comparison: &Comparison) -> String {
        let Comparison { workload, metric, limit, better, gate, moonshot } = comparison;
        let ours = self.median(workload, OWN, metric);
        let theirs = self.median(workload, &limit.0, &limit.1);
        let (Some((ours, unit)), Some((theirs, _))) = (ours, theirs) else { return String::new() };
        let ratio = ours / theirs;
        let target = |target: &Option<f64>| match (target, better) {
            (Some(target), Better::More) => format!("≥ {target}"),
            (Some(target), Better::Less) => format!("≤ {target}"),
            (None, _) => String::new(),
        };
        let verdict = verdict(ratio, *better, *gate, *moonshot);
        format!(
            "| {workload} {metric} | {} {unit} | {} {} {} | {ratio:.2} | {} | {} | {verdict} |\n",
            shown(ours),
            limit.0,
            limit.1,
            shown(theirs),
            target(gate),
            target(moonshot),
        )
    }
}

/// What a ratio says about its targets.
fn verdict(ratio: f64, better: Better, gate: Option<f64>, moonshot: Option<f64>) -> String {
    let reaches = |target: f64| match better {
        Better::More => ratio >= target,
        Better::Less => ratio <= target,
    };
    let missing = |target: f64| match better {
        Better::More => target / ratio,
        Better::Less => ratio / target,
    };
    match (gate, moonshot) {
        (_, Some(moonshot)) if reaches(moonshot) => "moonshot reached".to_owned(),
        (Some(gate), _) if reaches(gate) => "gate passed".to_owned(),
        (Some(gate), _) => format!("gate missed, {:.1} times away", missing(gate)),
        (None, Some(moonshot)) => format!("moonshot {:.1} times away", missing(moonshot)),
        (None, None) => String::new(),
    }
}

fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 1e6 => format!("{:.2}M", value / 1e6),
        size if size >= 1e4 => format!("{:.1}k", value / 1e3),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // A closed pipe ends the reading, not the measuring.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_gate_is_said() {
        assert_eq!(verdict(0.2, Better::More, Some(0.25), Some(0.45)), "gate missed, 1.2 times away");
        assert_eq!(verdict(0.3, Better::More, Some(0.25), Some(0.45)), "gate passed");
        assert_eq!(verdict(1.9, Better::Less, Some(5.0), Some(2.0)), "moonshot reached");
        assert_eq!(verdict(1.0, Better::Less, None, None), "");
    }

    #[test]
    fn comparisons_use_the_median_of_the_rounds() {
        let mut report = Report::new(false);
        for value in [9.0, 1.0, 5.0] {
            report.figure("W1", OWN, "rate", value, "actions/s");
        }
        assert_eq!(report.median("W1", OWN, "rate"), Some((5.0, "actions/s")));
    }
}
