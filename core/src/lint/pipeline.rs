//! A pipeline as JSON, read into its Local steps, each with the blocks that it stands in.

use std::borrow::Cow;
use std::fmt::Write;

use crate::error::{Error, Result, fail};
use crate::json::{Entries, Json, Kind, nearest};
use crate::limits::{self, Limits};
use crate::step::{SessionType, Step};

/// What the linter looks at: Local steps in the order in which they stand, and what they stand in.
pub(super) struct Pipeline {
    pub(super) steps: Vec<LocalStep>,
    pub(super) blocks: Vec<Block>,
    /// The first one is the pipeline itself.
    pub(super) tracks: Vec<Track>,
}

/// A session step that names the Local session.
pub(super) struct LocalStep {
    /// Where it is: a JSON Pointer.
    pub(super) at: String,
    pub(super) step: Step,
    /// The track that it stands on, by number.
    pub(super) track: usize,
}

/// Something that runs lists of steps in its own way.
pub(super) struct Block {
    pub(super) form: Form,
    /// How many tracks it has, an error track or an `otherwise` that is left out among them.
    pub(super) tracks: usize,
    /// Whether it has an error track.
    pub(super) handles: bool,
    /// Whether its sub-processes are committed at their end.
    pub(super) commit: bool,
}

/// How a block runs its tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Once.
    Block,
    /// Any number of times, one after the other; none is possible.
    ForEach,
    /// Until it succeeds, at least once.
    Retry,
    /// All of them at once.
    Parallel,
    /// One of them.
    Choice,
}

/// One list of steps.
pub(super) struct Track {
    /// The block that runs it; the pipeline itself has none.
    pub(super) place: Option<Place>,
    /// How many sub-processes it is within.
    pub(super) level: usize,
}

/// Where a track is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The number of its block.
    pub(super) block: usize,
    /// Its number in the block; see [`MAIN`] and [`ON_ERROR`]. An `otherwise` is the last.
    pub(super) index: usize,
    /// The number of the track that the block is on.
    pub(super) outer: usize,
}

/// The index of the track that a block, an iteration or an attempt begins with.
pub(super) const MAIN: usize = 0;

/// The index of the error track beside it.
pub(super) const ON_ERROR: usize = 1;

/// The type of a session step.
const SESSION_STEP: &str = "session-management";

/// Each type of a block, its form, and the members that it has beside those in `COMMON`: first the one it needs.
const FORMS: &[(&str, Form, &[&str])] = &[
    ("block", Form::Block, &["steps", "onError", "commit"]),
    ("for-each", Form::ForEach, &["steps", "onError", "commit"]),
    ("retry", Form::Retry, &["steps", "onError", "commit"]),
    ("parallel", Form::Parallel, &["lines", "commit"]),
    ("choice", Form::Choice, &["branches", "otherwise"]),
];

/// Members that every block has.
const COMMON: &[&str] = &["type", "name", "stepName", "id", "key"];

/// Members that hold nodes: only blocks have them.
const STRUCTURE: &[&str] = &["steps", "onError", "lines", "branches", "otherwise"];

/// Reads a pipeline. Every error about one of its nodes has `at`, a JSON Pointer, in its details.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Pipeline> {
    limits::check("pipeline", text.len(), limits.message, "bytes")?;
    // How deep blocks nest has its own limit: each takes up to three levels of JSON.
    let limits = Limits { depth: limits.depth + 3 * limits.nesting + 2, ..limits.clone() };
    // The whole text is checked first, so that a byte offset is one of the whole text.
    let text = Json::parse(text, &limits).map_err(|error| error.at("pipeline"))?;
    if text.kind() != Kind::Array {
        return Err(fail!(InvalidArgument, "a pipeline is an array of steps and blocks, not {} text", text.kind())
            .with("given", text.kind().as_str()));
    }
    let pipeline = Pipeline { steps: Vec::new(), blocks: Vec::new(), tracks: Vec::new() };
    let mut reader = Reader { limits: &limits, pipeline, at: String::new() };
    reader.track(text.as_str(), Track { place: None, level: 0 }, 0)?;
    Ok(reader.pipeline)
}

struct Reader<'l> {
    limits: &'l Limits,
    pipeline: Pipeline,
    /// Where the reader is: a JSON Pointer.
    at: String,
}

impl Reader<'_> {
    /// Reads the nodes of one track, which is `nesting` blocks deep.
    fn track(&mut self, nodes: &str, track: Track, nesting: usize) -> Result<()> {
        let (number, level) = (self.pipeline.tracks.len(), track.level);
        self.pipeline.tracks.push(track);
        for (index, node) in elements(nodes, self.limits)?.into_iter().enumerate() {
            let length = self.at.len();
            let _ = write!(self.at, "/{index}");
            match read(node, self.limits).map_err(|error| self.here(error))? {
                Node::Other => {}
                Node::Step(step) if step.session_type() == SessionType::Global => {}
                Node::Step(step) => {
                    self.pipeline.steps.push(LocalStep { at: self.at.clone(), step, track: number });
                }
                Node::Block(block, tracks) => {
                    limits::check("nesting of blocks", nesting + 1, self.limits.nesting, "levels")
                        .map_err(|error| self.here(error))?;
                    let within = level + usize::from(block.form != Form::Choice);
                    let place = Place { block: self.pipeline.blocks.len(), index: 0, outer: number };
                    self.pipeline.blocks.push(block);
                    for TrackText { index, at, nodes } in tracks {
                        let length = self.at.len();
                        self.at.push_str(&at);
                        let track = Track { place: Some(Place { index, ..place }), level: within };
                        self.track(nodes, track, nesting + 1)?;
                        self.at.truncate(length);
                    }
                }
            }
            self.at.truncate(length);
        }
        Ok(())
    }

    fn here(&self, error: Error) -> Error {
        error.at(&self.at).with("at", self.at.as_str())
    }
}

/// One node of a pipeline, by itself.
enum Node<'a> {
    Step(Step),
    Block(Block, Vec<TrackText<'a>>),
    /// A step of another kind.
    Other,
}

/// A track that is still to be read.
struct TrackText<'a> {
    index: usize,
    /// Where it is in its block: a JSON Pointer.
    at: String,
    nodes: &'a str,
}

fn read<'a>(text: &'a str, limits: &Limits) -> Result<Node<'a>> {
    let members = Members::of(text, limits)?;
    let structure = members.names().find(|name| STRUCTURE.contains(name));
    let word = members.get("type").map(|raw| string("type", raw)).transpose()?;
    match (word.as_deref(), structure) {
        (Some(SESSION_STEP), _) | (None, None) => Step::parse_within(text, limits).map(Node::Step),
        (Some(word), structure) => match FORMS.iter().find(|(known, ..)| *known == word) {
            Some((word, form, own)) => block(word, *form, own, &members, limits),
            None if structure.is_some() => Err(unknown_type(word)),
            // Nobody means another type by that.
            None if nearest(word, &[SESSION_STEP]).is_some() => Err(unknown_type(word)),
            None => Ok(Node::Other),
        },
        (None, Some(member)) => Err(fail!(
            InvalidStep,
            "a node with {member:?} is a block, and a block has a \"type\": {}",
            words(FORMS.iter().map(|(word, ..)| *word))
        )
        .with("member", "type")),
    }
}

fn block<'a>(word: &str, form: Form, own: &[&'static str], members: &Members<'a>, limits: &Limits) -> Result<Node<'a>> {
    let known: Vec<_> = COMMON.iter().chain(own).copied().collect();
    if let Some(unknown) = members.names().find(|name| !known.contains(name)) {
        return Err(unknown_member(word, unknown, &known));
    }
    for member in ["name", "stepName"] {
        members.get(member).map(|raw| string(member, raw)).transpose()?;
    }
    let commit = match members.get("commit") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(given("commit", Kind::of(other), "true or false")),
    };
    let Some(needed) = members.get(own[0]) else {
        return Err(fail!(InvalidStep, "a {word:?} needs the member {:?}, an array", own[0]).with("member", own[0]));
    };
    let mut tracks = Vec::new();
    let handler = match form {
        Form::Block | Form::ForEach | Form::Retry => {
            tracks.push(TrackText { index: MAIN, at: "/steps".to_owned(), nodes: array("steps", needed)? });
            members.get("onError").map(|nodes| ("onError", nodes))
        }
        Form::Parallel | Form::Choice => {
            for (index, nodes) in elements(array(own[0], needed)?, limits)?.into_iter().enumerate() {
                if Kind::of(nodes) != Kind::Array {
                    return Err(given(own[0], Kind::of(nodes), "an array of arrays of nodes"));
                }
                tracks.push(TrackText { index, at: format!("/{}/{index}", own[0]), nodes });
            }
            members.get("otherwise").map(|nodes| ("otherwise", nodes))
        }
    };
    let count = tracks.len() + usize::from(form != Form::Parallel);
    if let Some((member, nodes)) = handler {
        tracks.push(TrackText { index: tracks.len(), at: format!("/{member}"), nodes: array(member, nodes)? });
    }
    let handles = members.get("onError").is_some();
    Ok(Node::Block(Block { form, tracks: count, handles, commit }, tracks))
}

/// A node's members, as they stand in the text.
struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    fn of(text: &'a str, limits: &Limits) -> Result<Members<'a>> {
        let mut entries = Entries::of(text, Kind::Object, limits.depth)?.map_err(|given| {
            fail!(InvalidStep, "a node is a JSON object, a step or a block, not {given}").with("given", given.as_str())
        })?;
        let mut members = Members(Vec::new());
        while let Some(entry) = entries.next()? {
            // Half of a surrogate pair in the name of a member: it can only be of a step that is passed over, or
            // the step says so itself.
            let Some(name) = entry.name.and_then(|name| name.text()) else { continue };
            let known = COMMON.contains(&&*name) || STRUCTURE.contains(&&*name) || name == "commit";
            if known && members.get(&name).is_some() {
                return Err(fail!(InvalidStep, "member {name:?} is there twice; give it once").with("member", &*name));
            }
            members.0.push((name, &text[entry.value]));
        }
        Ok(members)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

/// The elements of a text that is known to be an array.
fn elements<'a>(text: &'a str, limits: &Limits) -> Result<Vec<&'a str>> {
    let mut elements = Vec::new();
    if let Ok(mut entries) = Entries::of(text, Kind::Array, limits.depth)? {
        while let Some(entry) = entries.next()? {
            elements.push(&text[entry.value]);
        }
    }
    Ok(elements)
}

fn array<'a>(member: &str, raw: &'a str) -> Result<&'a str> {
    match Kind::of(raw) {
        Kind::Array => Ok(raw),
        kind => Err(given(member, kind, "an array")),
    }
}

fn string(member: &str, raw: &str) -> Result<String> {
    serde_json::from_str(raw).map_err(|_| match Kind::of(raw) {
        Kind::String => fail!(InvalidStep, "member {member:?} holds half of a surrogate pair; it accepts text")
            .with("member", member),
        kind => given(member, kind, "a string"),
    })
}

fn given(member: &str, kind: Kind, accepts: &str) -> Error {
    fail!(InvalidStep, "member {member:?} accepts {accepts}; given: {kind}")
        .with("member", member)
        .with("given", kind.as_str())
}

fn unknown_type(word: &str) -> Error {
    let known: Vec<_> = FORMS.iter().map(|(word, ..)| *word).chain([SESSION_STEP]).collect();
    let short: String = word.chars().take(64).collect();
    match nearest(word, &known) {
        Some(known) => fail!(InvalidStep, "there is no type {short:?}; did you mean {known:?}?").with("nearest", known),
        None => fail!(
            InvalidStep,
            "no block has the type {short:?}, and only blocks have {}; the blocks are {}",
            words(STRUCTURE.iter().copied()),
            words(FORMS.iter().map(|(word, ..)| *word))
        ),
    }
    .with("member", "type")
}

fn unknown_member(word: &str, member: &str, known: &[&'static str]) -> Error {
    let short: String = member.chars().take(64).collect();
    match nearest(member, known) {
        Some(known) => {
            fail!(InvalidStep, "a {word:?} has no member {short:?}; did you mean {known:?}?").with("nearest", known)
        }
        None => fail!(InvalidStep, "a {word:?} has no member {short:?}; it has {}", words(known.iter().copied())),
    }
    .with("member", short)
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn step(at: &str, track: usize) -> (String, usize) {
        (at.to_owned(), track)
    }

    #[test]
    fn local_steps_with_their_places() {
        let pipeline = parse(
            r#"[{"type":"session-management"}, {"operation":"PUT"}, {"sessionType":"GLOBAL"}, {"type":"rest","url":1},
                {"type":"choice","otherwise":[{}],"branches":[[],[{},{"type":"retry","onError":[{}],"steps":[{}]}]]},
                {"type":"parallel","lines":[[{}]],"commit":true,"name":"n","stepName":"s","id":1,"key":"k"}, {}]"#,
            &Limits::default(),
        )
        .unwrap();
        let steps: Vec<_> = pipeline.steps.iter().map(|step| (step.at.clone(), step.track)).collect();
        let wanted = [
            step("/0", 0),
            step("/1", 0),
            step("/4/branches/1/0", 2),
            step("/4/branches/1/1/steps/0", 3),
            step("/4/branches/1/1/onError/0", 4),
            step("/4/otherwise/0", 5),
            step("/5/lines/0/0", 6),
            step("/6", 0),
        ];
        assert_eq!(steps, wanted);
        let levels: Vec<_> = pipeline.tracks.iter().map(|track| track.level).collect();
        assert_eq!(levels, [0, 0, 0, 1, 1, 0, 1]);
        let blocks: Vec<_> = pipeline.blocks.iter().map(|b| (b.form, b.tracks, b.handles, b.commit)).collect();
        let wanted = [(Form::Choice, 3, false, false), (Form::Retry, 2, true, false), (Form::Parallel, 1, false, true)];
        assert_eq!(blocks, wanted);
    }

    #[test]
    fn what_is_wrong_with_a_node_is_said_with_its_place() {
        for (text, at, member, hint) in [
            (r#"[{"type":"foreach","steps":[]}]"#, "/0", "type", Some("for-each")),
            (r#"[{"type":"group","steps":[]}]"#, "/0", "type", None),
            (r#"[{"type":"sesion-management"}]"#, "/0", "type", Some("session-management")),
            (r#"[{"type":1}]"#, "/0", "type", None),
            (r#"[{"type":"\ud800"}]"#, "/0", "type", None),
            (r#"[{"steps":[]}]"#, "/0", "type", None),
            (r#"[{"type":"block","type":"block","steps":[]}]"#, "/0", "type", None),
            (r#"[{},{"type":"block","steps":[{"type":"retry","stps":[]}]}]"#, "/1/steps/0", "stps", Some("steps")),
            (r#"[{"type":"block","steps":[],"lines":[]}]"#, "/0", "lines", None),
            (r#"[{"type":"block","steps":[],"onerror":[]}]"#, "/0", "onerror", Some("onError")),
            (r#"[{"type":"parallel","lines":[],"onError":[]}]"#, "/0", "onError", None),
            (r#"[{"type":"choice","branches":[],"commit":true}]"#, "/0", "commit", None),
            (r#"[{"type":"block"}]"#, "/0", "steps", None),
            (r#"[{"type":"parallel"}]"#, "/0", "lines", None),
            (r#"[{"type":"block","steps":{}}]"#, "/0", "steps", None),
            (r#"[{"type":"block","steps":[],"onError":null}]"#, "/0", "onError", None),
            (r#"[{"type":"parallel","lines":[[],{}]}]"#, "/0", "lines", None),
            (r#"[{"type":"block","steps":[],"commit":1}]"#, "/0", "commit", None),
            (r#"[{"type":"block","steps":[],"name":1}]"#, "/0", "name", None),
            (r#"[{"type":"choice","branches":[[],[{"feilds":[]}]]}]"#, "/0/branches/1/0", "feilds", Some("fields")),
            (r#"[{"type":"choice","branches":[],"otherwise":[{"script":1}]}]"#, "/0/otherwise/0", "script", None),
        ] {
            let error = parse(text, &Limits::default()).err().expect(text);
            assert_eq!(error.code(), Code::InvalidStep, "{text}: {error}");
            assert_eq!(error.details()["at"], at, "{text}: {error}");
            assert_eq!(error.details()["member"], member, "{text}: {error}");
            assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), hint, "{text}: {error}");
            assert!(error.message().starts_with(at) && error.message().contains(member), "{error}");
        }
    }

    #[test]
    fn what_is_no_pipeline_at_all() {
        let limits = Limits { message: 200, nesting: 2, depth: 3, ..Limits::default() };
        let nested = |levels| r#"[{"type":"block","steps":"#.repeat(levels) + "[]" + &"}]".repeat(levels);
        for (text, code) in [
            ("", Code::InvalidJson),
            ("[{}", Code::InvalidJson),
            ("{}", Code::InvalidArgument),
            ("\"[]\"", Code::InvalidArgument),
            ("[1]", Code::InvalidStep),
            ("[[]]", Code::InvalidStep),
            (&nested(3), Code::LimitExceeded),
            (&nested(60), Code::LimitExceeded),
            (&format!("[{}]", " ".repeat(200)), Code::LimitExceeded),
            (&("[".repeat(12) + &"]".repeat(12)), Code::LimitExceeded),
        ] {
            assert_eq!(parse(text, &limits).err().map(|error| error.code()), Some(code), "{text}");
        }
        assert!(parse(&nested(2), &limits).is_ok());
        assert!(parse(&nested(64), &Limits::default()).is_ok());
        assert!(parse(&nested(65), &Limits::default()).is_err());
    }

    #[test]
    fn an_offset_is_one_of_the_whole_text() {
        let error = parse(r#"[{"type":"block","steps":[{"fields":]}]"#, &Limits::default()).err().unwrap();
        assert_eq!(error.details()["offset"], 36);
    }
}
