//! Cuts the plan of a recording into runs: consecutive transactions of one author with the same
//! knowledge, ending wherever the knowledge of another author ends.
//!
//! `replay.rs` lets everybody know what the run says, and no more.

use std::collections::BTreeSet;
use std::ops::Range;
use veilfold_tests::trace::Plan;

/// Somebody alone for long gets own Entries back now and then, or would leave the seen window.
const RUN_STEPS_MAX: usize = 256;

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

/// The runs in the order of the plan.
pub fn runs(plan: &Plan) -> Vec<Run> {
    let steps = &plan.steps;
    // Where somebody's knowledge ends, an Entry must end, or it could not be held back there.
    let held_back = steps.iter().enumerate().filter(|(index, step)| step.known < *index);
    let ends: BTreeSet<usize> = held_back.map(|(_, step)| step.known).collect();
    // Own steps count as known anyway; what matters is the newest of somebody else.
    let newest_foreign = |index: usize| {
        let known = &steps[..steps[index].known.min(index)];
        known.iter().rposition(|step| step.author != steps[index].author)
    };
    let mut runs: Vec<Run> = Vec::new();
    let mut knowledge = None;
    for (index, step) in steps.iter().enumerate() {
        let knows = newest_foreign(index);
        match runs.last_mut() {
            Some(run)
                if run.author == step.author
                    && knows == knowledge
                    && !ends.contains(&index)
                    && run.steps.len() < RUN_STEPS_MAX =>
            {
                run.steps.end = index + 1;
            }
            _ => {
                let known = step.known.min(index);
                runs.push(Run { author: step.author, steps: index..index + 1, known });
            }
        }
        knowledge = knows;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use veilfold_tests::trace::Step;

    #[test]
    fn a_run_ends_with_its_author_its_knowledge_and_the_knowledge_of_others() {
        let step = |author, known| Step { author, known, patches: Vec::new(), transaction: 0 };
        let steps = vec![step(0, 0), step(0, 1), step(0, 2), step(1, 2), step(1, 2), step(1, 5), step(0, 6)];
        let cut: Vec<_> = runs(&Plan { authors: 2, steps })
            .into_iter()
            .map(|run| (run.author, run.steps, run.known))
            .collect();
        assert_eq!(cut, [(0, 0..2, 0), (0, 2..3, 2), (1, 3..5, 2), (1, 5..6, 5), (0, 6..7, 6)]);
    }
}
