//! Following one field along every path: forwards, what a GET may find; backwards, whether a PUT is ever used.
//!
//! Both walks visit each node once. What a loop, another line or an error track adds is known from the summaries of the
//! tree, so nothing has to be walked until it stands still.

use crate::step::Operation;

use super::effect::{Effect, Versions};
use super::pipeline::{Form, Pipeline};
use super::tree::{Op, Sequence, Summary, Tracks, What};

/// The GETs that do not find the field on every path, each with what it may find.
pub(super) fn reads_before_put(pipeline: &Pipeline, field: &Sequence) -> Vec<(Op, Effect)> {
    let mut reads = Reads { pipeline, found: Vec::new() };
    reads.sequence(field, 0, Versions::KEPT, Effect::KEPT);
    reads.found
}

/// The PUTs of the field that no GET or DELETE sees on any later path.
pub(super) fn puts_never_read(pipeline: &Pipeline, field: &Sequence) -> Vec<Op> {
    let mut puts = Puts { pipeline, found: Vec::new() };
    puts.sequence(field, 0, Versions::UNUSED);
    puts.found
}

struct Reads<'p> {
    pipeline: &'p Pipeline,
    found: Vec<(Op, Effect)>,
}

impl Reads<'_> {
    /// `state` is what may have become of the field since the start of the pipeline. `noise` is what other lines may
    /// do to the shared map at any moment of this sequence.
    fn sequence(&mut self, sequence: &Sequence, level: usize, mut state: Versions<Effect>, noise: Effect) {
        for node in &sequence.nodes {
            match &node.what {
                What::Step(op) if op.operation == Operation::Get => {
                    let heard = Versions { shared: state.shared.then(noise), ..state };
                    let seen = op.pick(heard);
                    if seen != Effect::PUT {
                        self.found.push((*op, seen));
                    }
                }
                What::Step(_) => {}
                What::Block(tracks) => self.block(tracks, node.summary, level, state, noise),
            }
            state = state.then(node.summary.done);
        }
    }

    fn block(&mut self, tracks: &Tracks, summary: Summary, level: usize, state: Versions<Effect>, noise: Effect) {
        let block = &self.pipeline.blocks[tracks.block];
        let main = tracks.main().summary;
        match block.form {
            Form::Block => self.attempt(tracks, level, state, noise),
            // Earlier iterations may have been, or none.
            Form::ForEach => self.attempt(tracks, level, state.then(summary.done), noise),
            // Earlier attempts may have got anywhere, or none.
            Form::Retry => {
                let shared = state.shared.then(main.midway.shared);
                self.attempt(tracks, level, Versions { shared, ..state }, noise);
            }
            Form::Parallel => {
                let midway = tracks.lines(block, level).map(|line| line.midway);
                for (line, others) in tracks.all().zip(each_others(midway, Versions::KEPT, Versions::<Effect>::or)) {
                    // A line may start after others have ended.
                    let started = state.then(others);
                    let noise = noise.or(others.shared);
                    let own = snapshot(started, level, noise);
                    self.sequence(line, level + 1, Versions { shared: state.shared, own }, noise);
                }
            }
            Form::Choice => tracks.all().for_each(|track| self.sequence(track, level, state, noise)),
        }
    }

    /// The main track as a new sub-process, and the error track, which any moment of the main track may lead to.
    fn attempt(&mut self, tracks: &Tracks, level: usize, state: Versions<Effect>, noise: Effect) {
        let inside = Versions { own: snapshot(state, level, noise), ..state };
        self.sequence(tracks.main(), level + 1, inside, noise);
        self.sequence(tracks.on_error(), level + 1, inside.then(tracks.main().summary.midway), noise);
    }
}

/// What a sub-process that starts at `level` finds in its own version.
fn snapshot(state: Versions<Effect>, level: usize, noise: Effect) -> Effect {
    if level == 0 { state.shared.then(noise) } else { state.own }
}

struct Puts<'p> {
    pipeline: &'p Pipeline,
    found: Vec<Op>,
}

impl Puts<'_> {
    /// `after` is whether a value that is put in this sequence may be used after its end, each version's by itself.
    fn sequence(&mut self, sequence: &Sequence, level: usize, mut after: Versions<bool>) {
        for node in sequence.nodes.iter().rev() {
            match &node.what {
                What::Step(op) if op.operation == Operation::Put && !op.pick(after) => self.found.push(*op),
                What::Step(_) => {}
                What::Block(tracks) => self.block(tracks, node.summary, level, after),
            }
            after = after.or(node.summary.uses);
        }
    }

    fn block(&mut self, tracks: &Tracks, summary: Summary, level: usize, after: Versions<bool>) {
        let block = &self.pipeline.blocks[tracks.block];
        // A change of a sub-process's own version outlives it only by its commit.
        let ended = |after: Versions<bool>| Versions { own: block.commit && after.at(level), ..after };
        let handler = tracks.on_error().summary.uses;
        match block.form {
            Form::Block => {
                self.sequence(tracks.on_error(), level + 1, ended(after));
                self.sequence(tracks.main(), level + 1, ended(after).or(handler));
            }
            // The next iteration comes after this one.
            Form::ForEach => {
                let after = ended(after.or(summary.uses));
                self.sequence(tracks.on_error(), level + 1, after);
                self.sequence(tracks.main(), level + 1, after.or(handler));
            }
            // The next attempt comes after one that failed, of which only the shared map is left.
            Form::Retry => {
                self.sequence(tracks.on_error(), level + 1, ended(after));
                let again = Versions { shared: summary.uses.shared, own: false };
                self.sequence(tracks.main(), level + 1, ended(after).or(handler).or(again));
            }
            Form::Parallel => {
                let uses = tracks.lines(block, level).map(|line| line.uses);
                for (line, others) in tracks.all().zip(each_others(uses, Versions::UNUSED, Versions::<bool>::or)) {
                    self.sequence(line, level + 1, ended(after.or(others)));
                }
            }
            Form::Choice => tracks.all().for_each(|track| self.sequence(track, level, after)),
        }
    }
}

/// For each of `items`, all others joined; `none` where there are none.
fn each_others<T: Copy>(items: impl Iterator<Item = T>, none: T, join: impl Fn(T, T) -> T) -> impl Iterator<Item = T> {
    let items: Vec<T> = items.collect();
    let mut others = vec![none; items.len()];
    let mut before = none;
    for (item, others) in items.iter().zip(&mut others) {
        *others = before;
        before = join(before, *item);
    }
    let mut behind = none;
    for (item, others) in items.iter().zip(&mut others).rev() {
        *others = join(*others, behind);
        behind = join(behind, *item);
    }
    others.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_its_others() {
        for (items, others) in [(&[][..], &[][..]), (&[1], &[0]), (&[1, 2, 4, 8], &[14, 13, 11, 7])] {
            assert_eq!(each_others(items.iter().copied(), 0, |a, b| a | b).collect::<Vec<_>>(), others);
        }
    }
}
