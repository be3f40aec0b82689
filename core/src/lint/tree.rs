//! What a pipeline does to one field: the steps that name it, the blocks that they stand in, and for each what it may
//! do to the field as a whole. Blocks that don't touch the field are not there.

use crate::step::{Operation, Step};

use super::effect::{Effect, Versions};
use super::pipeline::{Block, Form, MAIN, ON_ERROR, Pipeline, Track};

/// What a part of a pipeline does to the field, as seen from the level it stands on.
#[derive(Clone, Copy)]
pub(super) struct Summary {
    /// What may have become of the field when it has run to its end.
    pub(super) done: Versions<Effect>,
    /// What may have become of it at any moment, from before the part to after it: what an error leaves behind, or
    /// another line meets.
    pub(super) midway: Versions<Effect>,
    /// Whether something in it may use a value that was there before.
    pub(super) uses: Versions<bool>,
}

/// Nodes that run one after the other.
pub(super) struct Sequence {
    pub(super) nodes: Vec<Node>,
    pub(super) summary: Summary,
}

pub(super) struct Node {
    pub(super) what: What,
    pub(super) summary: Summary,
}

pub(super) enum What {
    Step(Op),
    Block(Tracks),
}

/// What one step does to the field.
#[derive(Clone, Copy)]
pub(super) struct Op {
    /// The step's number in the pipeline.
    pub(super) step: usize,
    pub(super) operation: Operation,
    /// Whether it names the shared map.
    pub(super) shared: bool,
}

/// A block, and those of its tracks that touch the field.
pub(super) struct Tracks {
    pub(super) block: usize,
    tracks: Vec<(usize, Sequence)>,
}

impl Summary {
    const NOTHING: Summary = Summary { done: Versions::KEPT, midway: Versions::KEPT, uses: Versions::UNUSED };

    fn then(self, next: Summary) -> Summary {
        Summary {
            done: self.done.then(next.done),
            midway: self.midway.or(self.done.then(next.midway)),
            uses: self.uses.or(next.uses),
        }
    }

    fn or(self, other: Summary) -> Summary {
        Summary { done: self.done.or(other.done), midway: self.midway.or(other.midway), uses: self.uses.or(other.uses) }
    }

    fn beside(self, other: Summary) -> Summary {
        Summary { done: self.done.beside(other.done), ..self.or(other) }
    }

    /// Any number of times, one after the other.
    fn repeated(self) -> Summary {
        let done = self.done.or(Versions::KEPT);
        Summary { done, midway: done.then(self.midway), ..self }
    }

    /// The sub-process that this is, as seen from its parent at `level`.
    pub(super) fn of_subprocess(self, commit: bool, level: usize) -> Summary {
        let committed = if commit { self.done.own } else { Effect::KEPT };
        if level == 0 {
            let done = Versions { shared: self.done.shared.then(committed), own: Effect::KEPT };
            let midway = Versions { shared: self.midway.shared.or(done.shared), own: Effect::KEPT };
            let uses = Versions { shared: self.uses.shared || self.uses.own, own: false };
            Summary { done, midway, uses }
        } else {
            Summary {
                done: Versions { own: committed, ..self.done },
                midway: Versions { own: committed.or(Effect::KEPT), ..self.midway },
                uses: self.uses,
            }
        }
    }
}

impl Sequence {
    const EMPTY: &Sequence = &Sequence { nodes: Vec::new(), summary: Summary::NOTHING };

    /// The nodes of a track at `level`, all there. The summaries of its blocks are still to be made.
    fn new(mut nodes: Vec<Node>, pipeline: &Pipeline, level: usize) -> Sequence {
        let mut summary = Summary::NOTHING;
        for node in &mut nodes {
            if let What::Block(tracks) = &node.what {
                node.summary = tracks.summary(&pipeline.blocks[tracks.block], level);
            }
            summary = summary.then(node.summary);
        }
        Sequence { nodes, summary }
    }
}

impl Op {
    pub(super) fn new(step: usize, of: &Step, level: usize) -> Op {
        Op { step, operation: of.verb(), shared: level == 0 || !of.scoped() }
    }

    fn summary(self) -> Summary {
        let written = self.in_its_version(Effect::of(self.operation), Effect::KEPT);
        Summary {
            done: written,
            midway: written.or(Versions::KEPT),
            uses: self.in_its_version(self.operation != Operation::Put, false),
        }
    }

    /// Of what is known of both versions: that of the one that the step names.
    pub(super) fn pick<T>(self, versions: Versions<T>) -> T {
        if self.shared { versions.shared } else { versions.own }
    }

    fn in_its_version<T>(self, its: T, other: T) -> Versions<T> {
        if self.shared { Versions { shared: its, own: other } } else { Versions { shared: other, own: its } }
    }
}

impl Tracks {
    /// The track of that index, if it touches the field.
    fn get(&self, index: usize) -> &Sequence {
        self.tracks.iter().find(|(known, _)| *known == index).map_or(Sequence::EMPTY, |(_, sequence)| sequence)
    }

    /// What a block, an iteration or an attempt begins with.
    pub(super) fn main(&self) -> &Sequence {
        self.get(MAIN)
    }

    /// What it goes on with after an error.
    pub(super) fn on_error(&self) -> &Sequence {
        self.get(ON_ERROR)
    }

    /// All that touch the field.
    pub(super) fn all(&self) -> impl Iterator<Item = &Sequence> {
        self.tracks.iter().map(|(_, sequence)| sequence)
    }

    /// As seen from the `level` that the block stands on.
    fn summary(&self, block: &Block, level: usize) -> Summary {
        match block.form {
            Form::Block => self.tried(block).of_subprocess(block.commit, level),
            Form::ForEach => self.tried(block).of_subprocess(block.commit, level).repeated(),
            Form::Retry => {
                // Of the attempts that failed, only what they did to the shared map is left.
                let failed = Versions { own: Effect::KEPT, ..self.main().summary.midway };
                let last = self.tried(block);
                let done = failed.then(last.done);
                let midway = failed.then(last.midway);
                Summary { done, midway, ..last }.of_subprocess(block.commit, level)
            }
            Form::Parallel => self.lines(block, level).fold(Summary::NOTHING, Summary::beside),
            Form::Choice => {
                let untouched = (self.tracks.len() < block.tracks).then_some(Summary::NOTHING);
                let summaries = self.all().map(|track| track.summary).chain(untouched);
                summaries.reduce(Summary::or).unwrap_or(Summary::NOTHING)
            }
        }
    }

    /// The main track to its end, or into the error track and to the end of that.
    fn tried(&self, block: &Block) -> Summary {
        let main = self.main().summary;
        if !block.handles {
            return main;
        }
        let handler = self.on_error().summary;
        Summary {
            done: main.done.or(main.midway.then(handler.done)),
            midway: main.midway.then(handler.midway),
            uses: main.uses.or(handler.uses),
        }
    }

    /// The lines of a parallel that touch the field, each as the parent sees it.
    pub(super) fn lines(&self, block: &Block, level: usize) -> impl Iterator<Item = Summary> {
        self.all().map(move |line| line.summary.of_subprocess(block.commit, level))
    }
}

/// The tree of one field; `steps` are the numbers of the steps that name it, in order.
pub(super) fn of(pipeline: &Pipeline, steps: impl Iterator<Item = usize>) -> Sequence {
    let mut builder = Builder { pipeline, open: vec![Open { track: 0, nodes: Vec::new() }] };
    let mut path = Vec::new();
    for step in steps {
        let local = &pipeline.steps[step];
        path.clear();
        path.extend(outwards(pipeline, local.track));
        path.reverse();
        let common = builder.open.iter().zip(&path).take_while(|(open, track)| open.track == **track).count();
        builder.close_down_to(common);
        builder.open.extend(path[common..].iter().map(|track| Open { track: *track, nodes: Vec::new() }));
        let op = Op::new(step, &local.step, pipeline.tracks[local.track].level);
        builder.push(Node { what: What::Step(op), summary: op.summary() });
    }
    builder.close_down_to(1);
    Sequence::new(builder.open.pop().map_or(Vec::new(), |root| root.nodes), pipeline, 0)
}

/// The track, the one around it, and so on out to the pipeline itself.
fn outwards(pipeline: &Pipeline, track: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(track), |track| pipeline.tracks[*track].place.map(|place| place.outer))
}

/// The tree as far as it is built: tracks that are still open, outermost first.
struct Builder<'p> {
    pipeline: &'p Pipeline,
    open: Vec<Open>,
}

struct Open {
    track: usize,
    nodes: Vec<Node>,
}

impl Builder<'_> {
    fn push(&mut self, node: Node) {
        if let Some(innermost) = self.open.last_mut() {
            innermost.nodes.push(node);
        }
    }

    /// Closes tracks until `count` are open.
    fn close_down_to(&mut self, count: usize) {
        while self.open.len() > count {
            let Some(Open { track, nodes }) = self.open.pop() else { return };
            let Track { place: Some(place), level } = self.pipeline.tracks[track] else { return };
            let closed = (place.index, Sequence::new(nodes, self.pipeline, level));
            let Some(outer) = self.open.last_mut() else { return };
            match outer.nodes.last_mut() {
                Some(Node { what: What::Block(tracks), .. }) if tracks.block == place.block => {
                    tracks.tracks.push(closed);
                }
                _ => {
                    let tracks = Tracks { block: place.block, tracks: vec![closed] };
                    outer.nodes.push(Node { what: What::Block(tracks), summary: Summary::NOTHING });
                }
            }
        }
    }
}
