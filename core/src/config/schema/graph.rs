//! How much work a schema is. References are followed at every write, so a few of them can stand for billions of
//! checks; such a schema is refused when it is made.
//!
//! Refused are: a schema that comes back to itself without going into the value (it would never end), or that goes more
//! than 16 schemas deep on one value (each takes stack, at every level of the data: a recursive one limits how deep the data may be); one that stands for more than
//! 10,000 subschemas once its references are written out; more than 4 `unevaluated…` on one value, one within the other
//! (each doubles the work: 15 of them took 12 s for 600 bytes); and a recursive one that checks the same member or
//! element by two ways (twice the work with each level of the data). The last is judged by the routes alone: that two
//! alternatives exclude each other is not seen.

use std::collections::HashSet;

use crate::error::{Error, fail};

/// How many subschemas a schema may stand for with its references written out, each recursion counted once.
const EXPANDED: u64 = 10_000;

/// How many schemas deep a schema may go on one value.
const STAYING: usize = 16;

/// How many schemas deep a check may go in all. Violations of alternatives are gathered level by level, each with a copy
/// of its value and on the caller's stack: 2,000 levels overflowed 3 MiB.
const DEEP: usize = 128;

/// How many `unevaluated…` may be on one value, one within the other.
const UNEVALUATED: usize = 4;

/// How a subschema is reached from the schema that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// It applies to the same value, always: `allOf`, `$ref`.
    Same,
    /// It applies to the same value, perhaps: `anyOf`, `if`, `not`.
    SameMaybe,
    Member(Box<str>),
    Matching,
    OtherMembers,
    Element(usize),
    OtherElements,
    Elements,
    Names,
}

impl Route {
    fn stays(&self) -> bool {
        matches!(self, Route::Same | Route::SameMaybe)
    }
}

/// From a schema to a subschema.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) route: Route,
    /// The node whose keyword it is: `additionalProperties` leaves out what the `properties` beside it name.
    pub(super) owner: usize,
    pub(super) to: usize,
}

/// The subschemas of a document, by number; 0 is the root.
pub(super) struct Graph {
    edges: Vec<Vec<Edge>>,
    /// Which nodes lead to each other: the same number means the same recursion. No edge leads to a higher one.
    recursion: Vec<usize>,
    /// Which nodes have an `unevaluated…` keyword.
    unevaluated: Vec<bool>,
}

impl Graph {
    pub(super) fn new(edges: Vec<Vec<Edge>>, unevaluated: Vec<bool>) -> Graph {
        let recursion = recursions(&edges);
        Graph { edges, recursion, unevaluated }
    }

    /// How many levels deep data may be, so that a check stays within [`DEEP`]; `None`: it does at any depth. Only for
    /// a graph that was checked.
    pub(super) fn levels(&self) -> Option<usize> {
        let endless = self
            .edges
            .iter()
            .enumerate()
            .any(|(node, edges)| edges.iter().any(|edge| self.recursion[edge.to] == self.recursion[node]));
        if !endless && self.longest(|_| true).is_some_and(|longest| longest <= DEEP) {
            return None;
        }
        self.longest(Route::stays).map(|staying| DEEP / staying.max(1))
    }

    /// How many nodes the longest way has that takes only such edges; there must be no cycles of them.
    fn longest(&self, takes: impl Fn(&Route) -> bool) -> Option<usize> {
        let edges: Vec<Vec<Edge>> =
            self.edges.iter().map(|edges| edges.iter().filter(|edge| takes(&edge.route)).cloned().collect()).collect();
        let mut length = vec![0; edges.len()];
        for node in targets_first(&recursions(&edges)) {
            length[node] = 1 + edges[node].iter().map(|edge| length[edge.to]).max().unwrap_or(0);
        }
        length.into_iter().max()
    }

    /// What leads away from a node.
    pub(super) fn edges(&self, node: usize) -> &[Edge] {
        &self.edges[node]
    }

    /// Refuses what the module says; the error's node is where it was met.
    pub(super) fn check(&self) -> Result<(), (usize, Error)> {
        self.check_progress()?;
        for node in 0..self.edges.len() {
            self.check_ways(node)?;
        }
        let expanded = self.expanded();
        if expanded > EXPANDED {
            let expanded = if expanded == u64::MAX { "too many to count".to_owned() } else { expanded.to_string() };
            let what = format!("with its references written out it has {expanded} subschemas, at most {EXPANDED}");
            return Err((0, refused(&what).with("limit", EXPANDED)));
        }
        Ok(())
    }

    /// No schema comes back to itself on the same value, or goes too deep on it.
    fn check_progress(&self) -> Result<(), (usize, Error)> {
        let staying: Vec<Vec<Edge>> =
            self.edges.iter().map(|edges| edges.iter().filter(|edge| edge.route.stays()).cloned().collect()).collect();
        let cycle = recursions(&staying);
        let (mut depth, mut unevaluated) = (vec![0; staying.len()], vec![0; staying.len()]);
        for node in targets_first(&cycle) {
            if staying[node].iter().any(|edge| cycle[edge.to] == cycle[node]) {
                return Err((
                    node,
                    refused("a $ref comes back to itself without going into the value: it would never end"),
                ));
            }
            let below = |of: &[usize]| staying[node].iter().map(|edge| of[edge.to]).max().unwrap_or(0);
            depth[node] = below(&depth) + 1;
            unevaluated[node] = below(&unevaluated) + usize::from(self.unevaluated[node]);
            if depth[node] > STAYING {
                let what = format!("it goes more than {STAYING} schemas deep ($ref, allOf, anyOf, …) on one value");
                return Err((node, refused(&what)));
            }
            if unevaluated[node] > UNEVALUATED {
                let what = format!(
                    "it has more than {UNEVALUATED} unevaluatedProperties or unevaluatedItems on one value, one within the other"
                );
                return Err((node, refused(&what)));
            }
        }
        Ok(())
    }

    /// No member or element is led back into the same recursion by two ways from one node.
    fn check_ways(&self, node: usize) -> Result<(), (usize, Error)> {
        let mut ways = Ways::default();
        let mut open = vec![node];
        // What stays has no cycles. A node met twice brings the same ways twice, so the search is short.
        while let Some(at) = open.pop() {
            for edge in self.edges[at].iter().filter(|edge| self.recursion[edge.to] == self.recursion[node]) {
                if edge.route.stays() {
                    open.push(edge.to);
                } else if !ways.add(edge) {
                    return Err((node, doubling()));
                }
            }
        }
        Ok(())
    }

    /// How many subschemas the root stands for.
    fn expanded(&self) -> u64 {
        let mut size = vec![0_u64; self.edges.len()];
        for node in targets_first(&self.recursion) {
            let own = self.recursion[node];
            let outside = self.edges[node].iter().filter(|edge| self.recursion[edge.to] != own);
            let sum = outside.fold(1_u64, |sum, edge| sum.saturating_add(size[self.recursion[edge.to]]));
            size[own] = size[own].saturating_add(sum);
        }
        self.recursion.first().map_or(0, |root| size[*root])
    }
}

/// All nodes, those first that others lead to.
fn targets_first(recursion: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..recursion.len()).collect();
    order.sort_by_key(|node| recursion[*node]);
    order
}

fn refused(what: &str) -> Error {
    fail!(ConfigInvalid, "schema: {what}").with("member", "schema")
}

fn doubling() -> Error {
    refused(
        "a recursive $ref checks the same member or element by two ways, which doubles the work with each level of the \
         data; let one way lead there",
    )
}

/// The ways that lead from one value into a recursion again.
#[derive(Default)]
struct Ways {
    members: HashSet<Box<str>>,
    elements: HashSet<usize>,
    /// Who has the `properties` (`prefixItems`), and whether there is a way that may mean any member (element).
    of_members: Owners,
    of_elements: Owners,
    names: bool,
}

#[derive(Default)]
struct Owners {
    named: HashSet<usize>,
    others: Option<usize>,
    any: bool,
}

impl Owners {
    /// Another way for named ones; whether it is apart from the ways there were.
    fn named(&mut self, owner: usize) -> bool {
        self.named.insert(owner);
        !self.any && self.others.is_none_or(|others| others == owner)
    }

    /// A way for those that the keywords beside it leave.
    fn others(&mut self, owner: usize) -> bool {
        !self.any && self.others.replace(owner).is_none() && self.named.iter().all(|named| *named == owner)
    }

    /// A way that may mean any.
    fn any(&mut self) -> bool {
        !std::mem::replace(&mut self.any, true) && self.others.is_none() && self.named.is_empty()
    }
}

impl Ways {
    /// Adds a way; whether no two may now lead to the same place.
    fn add(&mut self, edge: &Edge) -> bool {
        match &edge.route {
            Route::Same | Route::SameMaybe => true,
            Route::Member(name) => self.members.insert(name.clone()) & self.of_members.named(edge.owner),
            Route::OtherMembers => self.of_members.others(edge.owner),
            Route::Matching => self.of_members.any(),
            Route::Element(at) => self.elements.insert(*at) & self.of_elements.named(edge.owner),
            Route::OtherElements => self.of_elements.others(edge.owner),
            Route::Elements => self.of_elements.any(),
            Route::Names => !std::mem::replace(&mut self.names, true),
        }
    }
}

/// Tarjan's strongly connected components, without recursion: each node's component, numbered so that no edge leads to
/// a higher number.
fn recursions(edges: &[Vec<Edge>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut component = vec![UNSEEN; edges.len()];
    let (mut index, mut low) = (vec![UNSEEN; edges.len()], vec![0; edges.len()]);
    let (mut stack, mut met, mut components) = (Vec::new(), 0, 0);
    for start in 0..edges.len() {
        if index[start] != UNSEEN {
            continue;
        }
        let mut calls = vec![(start, 0)];
        while let Some((node, next)) = calls.pop() {
            if next == 0 {
                (index[node], low[node]) = (met, met);
                met += 1;
                stack.push(node);
            }
            if let Some(edge) = edges[node].get(next) {
                calls.push((node, next + 1));
                if index[edge.to] == UNSEEN {
                    calls.push((edge.to, 0));
                } else if component[edge.to] == UNSEEN {
                    low[node] = low[node].min(index[edge.to]);
                }
                continue;
            }
            if low[node] == index[node] {
                while let Some(member) = stack.pop() {
                    component[member] = components;
                    if member == node {
                        break;
                    }
                }
                components += 1;
            }
            if let Some((caller, _)) = calls.last() {
                low[*caller] = low[*caller].min(low[node]);
            }
        }
    }
    component
}
