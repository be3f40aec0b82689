//! The fields that a schema is sure of: what a selector can name.
//!
//! A field is found through `properties`, and through what always applies beside it: `$ref` and `allOf`. What only may
//! apply (`anyOf`, `if`, …) promises nothing, and elements of arrays have no names.

use super::Schema;
use super::graph::Route;
use crate::error::Result;
use crate::json::{object_members, pointer};
use crate::limits::Limits;

/// The types whose values can name a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    String,
    Integer,
    Number,
    Boolean,
}

impl Primitive {
    /// The type word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Primitive::String => "string",
            Primitive::Integer => "integer",
            Primitive::Number => "number",
            Primitive::Boolean => "boolean",
        }
    }

    /// By the word; the more exact type first, where several schemas speak of one value.
    const ALL: [Primitive; 4] = [Primitive::Integer, Primitive::String, Primitive::Number, Primitive::Boolean];
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Primitive(Primitive),
    /// Something that is never or not always a primitive: `object`, `array`, `null`, `any`, `several types`.
    Other(&'static str),
    /// The schema has so many names of the path, not the next one; and what there is instead.
    Missing {
        known: usize,
        beside: &'static str,
    },
}

/// How many fields are listed at most, and how deep.
const LISTED: usize = 1_000;
const LEVELS: usize = 32;

impl Schema {
    /// What the path of names leads to.
    pub(crate) fn find(&self, path: &[String]) -> Found {
        let mut nodes = self.together(vec![0]);
        for (known, name) in path.iter().enumerate() {
            let below = self.member(&nodes, name);
            if below.is_empty() {
                let beside = match self.kind(&nodes) {
                    Found::Other(kind) => kind,
                    Found::Primitive(kind) => kind.as_str(),
                    Found::Missing { .. } => "nothing",
                };
                return Found::Missing { known, beside };
            }
            nodes = self.together(below);
        }
        self.kind(&nodes)
    }

    /// Every path that leads to a primitive, in the order of the schema.
    pub(crate) fn primitives(&self) -> Result<Vec<(Vec<String>, Primitive)>> {
        let mut found = Vec::new();
        self.list(&self.together(vec![0]), &mut Vec::new(), &mut vec![0], &mut found)?;
        Ok(found)
    }

    fn list(
        &self,
        nodes: &[usize],
        path: &mut Vec<String>,
        above: &mut Vec<usize>,
        found: &mut Vec<(Vec<String>, Primitive)>,
    ) -> Result<()> {
        for name in self.names(nodes)? {
            if found.len() == LISTED || path.len() == LEVELS {
                return Ok(());
            }
            let below = self.together(self.member(nodes, &name));
            // A recursive schema has fields without end; those of its first round are listed.
            if below.iter().any(|node| above.contains(node)) {
                continue;
            }
            path.push(name);
            match self.kind(&below) {
                Found::Primitive(kind) => found.push((path.clone(), kind)),
                _ => {
                    let length = above.len();
                    above.extend(&below);
                    self.list(&below, path, above, found)?;
                    above.truncate(length);
                }
            }
            path.pop();
        }
        Ok(())
    }

    /// The nodes, and all that always apply to the same value.
    fn together(&self, mut nodes: Vec<usize>) -> Vec<usize> {
        let mut next = 0;
        while let Some(node) = nodes.get(next) {
            for edge in self.document.graph.edges(*node) {
                if edge.route == Route::Same && !nodes.contains(&edge.to) {
                    nodes.push(edge.to);
                }
            }
            next += 1;
        }
        nodes
    }

    /// What the nodes say of the member `name`; nothing where the value is no object.
    fn member(&self, nodes: &[usize], name: &str) -> Vec<usize> {
        let is_it = |route: &Route| matches!(route, Route::Member(member) if **member == *name);
        let edges = self.objects(nodes).flat_map(|node| self.document.graph.edges(node));
        edges.filter(|edge| is_it(&edge.route)).map(|edge| edge.to).collect()
    }

    /// The members that the nodes name, each once, as they are written.
    fn names(&self, nodes: &[usize]) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for node in self.objects(nodes) {
            let edges = self.document.graph.edges(node);
            if !edges.iter().any(|edge| matches!(edge.route, Route::Member(_))) {
                continue;
            }
            let properties = format!("{}/properties", self.document.pointers[node]);
            if let Some(properties) = pointer::get(&self.json_schema, &properties)? {
                for (name, _) in object_members(properties, &Limits::default())? {
                    if !names.iter().any(|known| **known == *name) {
                        names.push(name.into_owned());
                    }
                }
            }
        }
        Ok(names)
    }

    /// Those of the nodes that speak of objects.
    fn objects(&self, nodes: &[usize]) -> impl Iterator<Item = usize> {
        let types = &self.document.types;
        nodes
            .iter()
            .copied()
            .filter(|node| types[*node].is_empty() || types[*node].iter().any(|word| &**word == "object"))
    }

    /// What the nodes together say of a value's type.
    fn kind(&self, nodes: &[usize]) -> Found {
        let said: Vec<&[Box<str>]> =
            nodes.iter().map(|node| self.document.types[*node].as_slice()).filter(|types| !types.is_empty()).collect();
        let is_just = |word: &str| said.iter().any(|types| matches!(types, [only] if **only == *word));
        if let Some(primitive) = Primitive::ALL.into_iter().find(|kind| is_just(kind.as_str())) {
            return Found::Primitive(primitive);
        }
        Found::Other(match ["object", "array", "null"].into_iter().find(|word| is_just(word)) {
            Some(word) => word,
            None if said.is_empty() => "any",
            None => "several types",
        })
    }
}
