//! The linter against the core itself: pipelines made up at random are run, with errors, loops, retries and lines that
//! interleave at random, until every GET and PUT in them has shown what the linter says of it. Nothing that it did not
//! foretell may be seen. `PIPELINES=20000` tries more of them.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sessile::{CommitOptions, Execution, Options, Step, Store};

/// How many pipelines are tried, and how often each is run at least and at most.
const PIPELINES: u64 = 1000;
const RUNS: std::ops::Range<usize> = 60..50_000;

#[test]
fn what_the_linter_says_is_what_runs_show() {
    let store = Store::open(Options::from_json(r#"{"url":"memory:"}"#).unwrap()).wait().unwrap();
    let pipelines = std::env::var("PIPELINES").map_or(PIPELINES, |text| text.parse().unwrap());
    for seed in 1..=pipelines {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let pipeline = nodes(&mut dice, 3, &mut 10);
        let text = pipeline.to_string();
        let wanted = verdicts(&pipeline, &text);
        let mut shown = BTreeMap::new();
        for run in 0..RUNS.end {
            // A PUT skips a field that the message lacks: the rule for GETs leaves that aside, the one for PUTs does not.
            let puts_may_skip = dice.of(2) == 0;
            let odds = [4, 12, 40][dice.of(3)];
            let (trace, _) = Tracer { dice: &mut dice, runs: 1, odds }.sequence(&pipeline, "", 0);
            perform(&store, &pipeline, &trace, puts_may_skip, &mut dice, &mut shown);
            if let Some((at, seen)) = shown.iter().find(|(at, seen)| !foretold(**seen, wanted[*at])) {
                panic!("seed {seed}: at {at} the linter said {}, a run showed {seen:?}: {text}", wanted[at]);
            }
            if run >= RUNS.start && wanted.iter().all(|(at, wanted)| shows(&shown, at, wanted, &text)) {
                break;
            }
        }
        for (at, wanted) in &wanted {
            assert!(shows(&shown, at, wanted, &text), "seed {seed}: at {at}: {wanted} was never seen: {text}");
        }
    }
}

/// What runs have shown of one step.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Get { absent: bool, present: bool },
    Put { used: bool },
}

/// What the linter says of a step: the kind of finding, or none.
fn verdicts(pipeline: &Value, text: &str) -> BTreeMap<String, &'static str> {
    let findings: Value = serde_json::from_str(&sessile::lint(text).unwrap()).unwrap();
    let mut verdicts = BTreeMap::new();
    steps(pipeline, String::new(), &mut verdicts);
    for finding in findings["findings"].as_array().unwrap() {
        let certain = finding["certain"].as_bool().unwrap();
        let verdict = match (finding["rule"].as_str().unwrap(), certain) {
            ("read_before_put", true) => "never there",
            ("read_before_put", false) => "not always there",
            ("never_read", true) => "never used",
            other => panic!("{other:?}"),
        };
        let found = verdicts.insert(finding["at"].as_str().unwrap().to_owned(), verdict);
        assert_eq!(found, Some("nothing"), "{text}");
    }
    verdicts
}

fn steps(value: &Value, at: String, into: &mut BTreeMap<String, &'static str>) {
    match value {
        Value::Array(nodes) => {
            nodes.iter().enumerate().for_each(|(index, node)| steps(node, format!("{at}/{index}"), into));
        }
        Value::Object(node) if node.get("operation").is_some_and(|operation| operation == "DELETE") => {}
        Value::Object(node) if node.contains_key("operation") => {
            into.insert(at, "nothing");
        }
        Value::Object(node) => node.iter().for_each(|(name, value)| steps(value, format!("{at}/{name}"), into)),
        _ => {}
    }
}

/// Whether a finding, or none, allows for what was seen.
fn foretold(seen: Seen, finding: &str) -> bool {
    match seen {
        Seen::Get { absent, present } => !(absent && finding == "nothing" || present && finding == "never there"),
        Seen::Put { used } => !(used && finding == "never used"),
    }
}

/// Whether runs have shown all that the linter says of a step.
///
/// With commits it may say less, or be less certain, than it could: it follows the shared map and a sub-process's own
/// version each by itself, and a commit makes one out of both.
fn shows(shown: &BTreeMap<String, Seen>, at: &str, wanted: &str, pipeline: &str) -> bool {
    verdict(shown.get(at)) == wanted || pipeline.contains("commit")
}

/// The finding that says exactly what was seen.
fn verdict(seen: Option<&Seen>) -> &'static str {
    match seen {
        Some(Seen::Get { absent: true, present: true }) => "not always there",
        Some(Seen::Get { absent: true, present: false }) => "never there",
        Some(Seen::Put { used: false }) => "never used",
        Some(_) => "nothing",
        None => "never run",
    }
}

/// A track of up to three nodes, blocks up to `depth` deep, as long as `budget` lasts.
fn nodes(dice: &mut Dice, depth: usize, budget: &mut usize) -> Value {
    let count = 1 + dice.of(3);
    let mut nodes = Vec::new();
    while nodes.len() < count && *budget > 0 {
        *budget -= 1;
        nodes.push(node(dice, depth, budget));
    }
    Value::Array(nodes)
}

fn node(dice: &mut Dice, depth: usize, budget: &mut usize) -> Value {
    if depth == 0 || dice.of(3) == 0 {
        let operation = ["PUT", "GET", "PUT", "GET", "DELETE"][dice.of(5)];
        return json!({"type": "session-management", "operation": operation, "fields": ["x"], "scoped": dice.of(2) == 0});
    }
    let mut inner = |dice: &mut Dice| nodes(dice, depth - 1, budget);
    let mut block = match dice.of(5) {
        0 => json!({"type": "choice", "branches": [inner(dice), inner(dice)]}),
        1 => json!({"type": "parallel", "lines": [inner(dice), inner(dice)]}),
        2 => json!({"type": "block", "steps": inner(dice)}),
        3 => json!({"type": "for-each", "steps": inner(dice)}),
        _ => json!({"type": "retry", "steps": inner(dice)}),
    };
    if block["type"] == "choice" {
        if dice.of(2) == 0 {
            block["otherwise"] = inner(dice);
        }
        return block;
    }
    if block["type"] != "parallel" && dice.of(2) == 0 {
        block["onError"] = if dice.of(3) == 0 { json!([]) } else { inner(dice) };
    }
    if dice.of(2) == 0 {
        block["commit"] = json!(true);
    }
    block
}

/// What one run does, in order. Numbers name executions: 0 is the root.
#[derive(Clone)]
enum Act {
    Fork { parent: usize, child: usize },
    Step { run: usize, at: String },
    Commit { run: usize },
    End { run: usize },
}

/// Picks one path through a pipeline.
struct Tracer<'d> {
    dice: &'d mut Dice,
    runs: usize,
    /// One moment in so many brings an error.
    odds: usize,
}

impl Tracer<'_> {
    /// What is done, and whether it went wrong.
    fn sequence(&mut self, nodes: &Value, at: &str, run: usize) -> (Vec<Act>, bool) {
        let mut acts = Vec::new();
        for (index, node) in nodes.as_array().into_iter().flatten().enumerate() {
            if self.fails() {
                return (acts, true);
            }
            let (more, failed) = self.node(node, format!("{at}/{index}"), run);
            acts.extend(more);
            if failed {
                return (acts, true);
            }
        }
        let failed = self.fails();
        (acts, failed)
    }

    fn fails(&mut self) -> bool {
        self.dice.of(self.odds) == 0
    }

    fn node(&mut self, node: &Value, at: String, run: usize) -> (Vec<Act>, bool) {
        let mut acts = Vec::new();
        match node["type"].as_str().unwrap() {
            "session-management" => acts.push(Act::Step { run, at }),
            "block" => return self.attempt(node, &at, run, true),
            "for-each" => {
                for _ in 0..self.dice.of(4) {
                    let (more, failed) = self.attempt(node, &at, run, true);
                    acts.extend(more);
                    if failed {
                        return (acts, true);
                    }
                }
            }
            "retry" => loop {
                let last = self.dice.of(2) == 0;
                let (more, failed) = self.attempt(node, &at, run, last);
                acts.extend(more);
                if last || !failed {
                    return (acts, failed);
                }
            },
            "parallel" => {
                let lines = node["lines"].as_array().unwrap();
                let traces: Vec<_> = lines
                    .iter()
                    .enumerate()
                    .map(|(index, line)| {
                        let child = self.new_run();
                        let (inner, failed) = self.sequence(line, &format!("{at}/lines/{index}"), child);
                        self.subprocess(node, run, child, inner, failed)
                    })
                    .collect();
                return self.interleaved(traces);
            }
            "choice" => {
                let branches = node["branches"].as_array().unwrap();
                let picked = self.dice.of(branches.len() + 1);
                let (track, place) = match branches.get(picked) {
                    Some(branch) => (branch, format!("{at}/branches/{picked}")),
                    None => (&node["otherwise"], format!("{at}/otherwise")),
                };
                return self.sequence(track, &place, run);
            }
            other => panic!("{other}"),
        }
        (acts, false)
    }

    /// The steps as a sub-process, and its error track if `last` is true and it comes to that.
    fn attempt(&mut self, node: &Value, at: &str, run: usize, last: bool) -> (Vec<Act>, bool) {
        let child = self.new_run();
        let (mut inner, mut failed) = self.sequence(&node["steps"], &format!("{at}/steps"), child);
        if failed && last && node.get("onError").is_some() {
            let (more, handler_failed) = self.sequence(&node["onError"], &format!("{at}/onError"), child);
            inner.extend(more);
            failed = handler_failed;
        }
        self.subprocess(node, run, child, inner, failed)
    }

    fn subprocess(
        &mut self,
        node: &Value,
        parent: usize,
        child: usize,
        inner: Vec<Act>,
        failed: bool,
    ) -> (Vec<Act>, bool) {
        let mut acts = vec![Act::Fork { parent, child }];
        acts.extend(inner);
        if !failed && node["commit"] == true {
            acts.push(Act::Commit { run: child });
        }
        acts.push(Act::End { run: child });
        (acts, failed)
    }

    fn new_run(&mut self) -> usize {
        self.runs += 1;
        self.runs
    }

    /// All lines at once, in any order; once one has failed, none goes on.
    fn interleaved(&mut self, lines: Vec<(Vec<Act>, bool)>) -> (Vec<Act>, bool) {
        let mut lines: Vec<_> = lines.into_iter().map(|(acts, failed)| (acts.into_iter(), failed)).collect();
        let mut merged = Vec::new();
        while !lines.is_empty() {
            let picked = self.dice.of(lines.len());
            // Several steps of one line at a time, so that whole lines before others are seen too.
            for _ in 0..=self.dice.of(lines[picked].0.len() + 1) {
                match lines[picked].0.next() {
                    Some(act) => merged.push(act),
                    None if lines[picked].1 => return (merged, true),
                    None => {
                        lines.swap_remove(picked);
                        break;
                    }
                }
            }
        }
        (merged, false)
    }
}

fn perform(
    store: &Store,
    pipeline: &Value,
    trace: &[Act],
    puts_may_skip: bool,
    dice: &mut Dice,
    shown: &mut BTreeMap<String, Seen>,
) {
    let mut runs: HashMap<usize, Execution> = HashMap::from([(0, store.execution(None, None).unwrap())]);
    let mut numbers = Vec::new();
    for act in trace {
        match act {
            Act::Fork { parent, child } => {
                let forked = runs[parent].subprocess("part").unwrap();
                runs.insert(*child, forked);
            }
            Act::Commit { run } => {
                runs[run].commit(CommitOptions::default()).wait().unwrap();
            }
            Act::End { run } => runs[run].end(),
            Act::Step { run, at } => {
                let node = pipeline.pointer(at).unwrap();
                let step = Step::parse(&node.to_string()).unwrap();
                let run = &runs[run];
                let session = if node["scoped"] == true { run.scoped() } else { run.local() };
                // A value is the number of the PUT that put it.
                let found = session.get("x").wait().unwrap();
                let found = found.map(|value| value.as_str().parse::<usize>().unwrap());
                let message = match node["operation"].as_str() {
                    Some("PUT") => {
                        shown.entry(at.clone()).or_insert(Seen::Put { used: false });
                        numbers.push(at.clone());
                        let skips = puts_may_skip && dice.of(2) == 0;
                        if skips { "{}".to_owned() } else { json!({"x": numbers.len() - 1}).to_string() }
                    }
                    Some("GET") => {
                        let seen = shown.entry(at.clone()).or_insert(Seen::Get { absent: false, present: false });
                        if let Seen::Get { absent, present } = seen {
                            *present |= found.is_some();
                            *absent |= found.is_none() && !puts_may_skip;
                        }
                        String::new()
                    }
                    _ => String::new(),
                };
                run.step(&step, Some(&message)).wait().unwrap();
                if node["operation"] != "PUT"
                    && let Some(put) = found
                {
                    shown.insert(numbers[put].clone(), Seen::Put { used: true });
                }
            }
        }
    }
}

/// Numbers that are the same in every run of the test.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }
}
