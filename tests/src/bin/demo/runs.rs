//! Cuts the plan of a recording into runs: consecutive transactions of one author with the same
//! knowledge, ending wherever the knowledge of another author ends.
//!
//! `replay.rs` lets everybody know what the run says, and no more.

use std::collections::BTreeSet;
use std::ops::Range;
use veilfold_tests::trace::Plan;

/// Steps of the plan that may go into the order together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who.
    pub author: usize,
    /// Which steps of the plan.
    pub steps: Range<usize>,
    /// How many steps of the plan the author has folded; the others it knows are its own.
    pub known: usize,
}

impl Run {
    /// True when something is ordered before it that its author does not know.
    pub fn is_held_back(&self) -> bool {
        self.known < self.steps.start
    }
}

/// The runs in the order of the plan.
pub fn runs(plan: &Plan) -> Vec<Run> {
    let steps = &plan.steps;
    let known = |index: usize| steps[index].known.min(index);
    // Where somebody's knowledge ends, an Entry must end, or it could not be held back there.
    let ends: BTreeSet<usize> = (0..steps.len()).map(known).collect();
    // Own steps count as known anyway; what matters is the last one of somebody else.
    let newest_foreign = |index: usize| {
        let author = steps[index].author;
        steps[..known(index)].iter().rposition(|step| step.author != author)
    };
    let mut runs: Vec<Run> = Vec::new();
    let mut newest = None;
    for (index, step) in steps.iter().enumerate() {
        let knows = match runs.last() {
            // Alone so far and still alone: what is new is the author's own.
            Some(run) if run.author == step.author && !run.is_held_back() && known(index) == index => newest,
            _ => newest_foreign(index),
        };
        match runs.last_mut() {
            Some(run) if run.author == step.author && knows == newest && continues(run, known(index), &ends, index) => {
                run.steps.end = index + 1;
            }
            _ => runs.push(Run { author: step.author, steps: index..index + 1, known: known(index) }),
        }
        newest = knows;
    }
    runs
}

/// Whether step `index`, whose author knows the same as in the run, may go into the run.
fn continues(run: &Run, known: usize, ends: &BTreeSet<usize>, index: usize) -> bool {
    let cut = ends.contains(&index) && !(known == index && !run.is_held_back());
    !cut
}
