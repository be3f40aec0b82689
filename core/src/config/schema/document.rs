//! A JSON Schema taken apart: every subschema with where it is, what it applies to, and what it refers to.
//!
//! One walk over the document refuses what is no part of the language here (unknown keywords, formats, types), and
//! leaves a graph behind: `graph` measures it, the selector looks fields up in it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};
use sessile_validator::{Registry, RegistryBuilder, Retrieve, Uri, uri};

use crate::error::Result;
use crate::json::pointer;
use crate::limits;

use super::graph::{Edge, Graph, Route};
use super::keywords::{self, Dialect, Keyword, Shape, Target};
use super::refusal;

/// Where a document that names no `$id` is thought to be.
const BASE: &str = "json-schema:///";

/// How many different patterns a schema may have: each is a compiled automaton of up to 1 MiB.
const PATTERNS: usize = 128;

/// A schema's dialect and graph.
pub(crate) struct Document {
    pub(super) dialect: Dialect,
    /// Node 0 is the root.
    pub(super) graph: Graph,
    /// Each node's JSON Pointer.
    pub(super) pointers: Vec<String>,
    /// The words of each node's `type`; none if it has none.
    pub(super) types: Vec<Vec<Box<str>>>,
}

impl Document {
    /// Takes a JSON Schema apart. `CONFIG_INVALID`, with the pointer of what is wrong.
    pub(super) fn of(schema: &Value) -> Result<Document> {
        let dialect = match schema.get("$schema") {
            None => Dialect::Draft202012,
            Some(uri) => uri.as_str().and_then(Dialect::of).ok_or_else(|| refusal::dialect("", uri))?,
        };
        let base = uri::from_str(BASE).map_err(|error| refusal::reference("", BASE, &error))?;
        let mut walk =
            Walk { dialect, nodes: Vec::new(), at: HashMap::new(), patterns: BTreeSet::new(), refs: Vec::new() };
        walk.schema(schema, String::new(), &base)?;
        let registry = Registry::new()
            .draft(dialect.draft())
            .retriever(Elsewhere)
            .add(BASE, schema)
            .and_then(RegistryBuilder::prepare)
            .map_err(|error| refusal::reference("", "", &error))?;
        for reference in std::mem::take(&mut walk.refs) {
            for to in walk.resolve(&reference, &registry)? {
                walk.nodes[reference.from].edges.push(Edge { route: Route::Same, owner: reference.from, to });
            }
        }
        let unevaluated = walk.nodes.iter().map(|node| node.unevaluated).collect();
        let (mut pointers, mut types, mut edges) = (Vec::new(), Vec::new(), Vec::new());
        for node in walk.nodes {
            pointers.push(node.pointer);
            types.push(node.types);
            edges.push(node.edges);
        }
        Ok(Document { dialect, graph: Graph::new(edges, unevaluated), pointers, types })
    }
}

/// What is at any address outside the document: nothing that a reference may mean. Nothing is fetched.
struct Elsewhere;

impl Retrieve for Elsewhere {
    fn retrieve(&self, _: &Uri<String>) -> std::result::Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Value::Bool(true))
    }
}

struct Walk<'v> {
    dialect: Dialect,
    nodes: Vec<Node<'v>>,
    /// Each subschema's node, by its address in the parsed document.
    at: HashMap<*const Value, usize>,
    patterns: BTreeSet<&'v str>,
    refs: Vec<Reference<'v>>,
}

struct Node<'v> {
    pointer: String,
    edges: Vec<Edge>,
    dynamic_anchor: Option<&'v str>,
    types: Vec<Box<str>>,
    unevaluated: bool,
}

/// A `$ref` or `$dynamicRef`, and what it is relative to.
struct Reference<'v> {
    from: usize,
    dynamic: bool,
    uri: &'v str,
    base: Uri<String>,
}

impl<'v> Walk<'v> {
    /// Walks one subschema; its node. What is no schema at all is left to the meta-schema to refuse.
    fn schema(&mut self, schema: &'v Value, pointer: String, base: &Uri<String>) -> Result<usize> {
        let node = self.nodes.len();
        self.at.insert(schema, node);
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        self.nodes.push(Node {
            pointer: pointer.clone(),
            edges: Vec::new(),
            dynamic_anchor: text("$dynamicAnchor"),
            types: types(schema),
            unevaluated: ["unevaluatedItems", "unevaluatedProperties"].iter().any(|name| schema.get(name).is_some()),
        });
        let Some(keywords) = schema.as_object() else { return Ok(node) };
        let refers = self.dialect == Dialect::Draft07 && text("$ref").is_some();
        let own_base = match text("$id") {
            // Beside a `$ref` draft-07 ignores everything; an `$id` of a fragment is its word for an anchor.
            Some(id) if !refers && !id.starts_with('#') => Some(
                uri::resolve_against(&base.borrow(), id).map_err(|error| refusal::reference(&pointer, id, &error))?,
            ),
            _ => None,
        };
        let base = own_base.as_ref().unwrap_or(base);
        for (name, value) in keywords {
            let keyword =
                keywords::find(name, self.dialect).ok_or_else(|| refusal::keyword(&pointer, name, self.dialect))?;
            self.check(keyword, value, &pointer)?;
            if let ("$ref" | "$dynamicRef", Some(uri)) = (keyword.name, value.as_str()) {
                self.refs.push(Reference {
                    from: node,
                    dynamic: keyword.name == "$dynamicRef",
                    uri,
                    base: base.clone(),
                });
            }
            self.subschemas(keyword, value, node, &format!("{pointer}/{}", pointer::escape(name)), base)?;
        }
        if refers {
            // Their schemas can still be referred to.
            self.nodes[node].edges.clear();
            self.nodes[node].types.clear();
        }
        Ok(node)
    }

    /// Walks the subschemas in a keyword's value and notes what they apply to.
    fn subschemas(
        &mut self,
        keyword: &Keyword,
        value: &'v Value,
        node: usize,
        pointer: &str,
        base: &Uri<String>,
    ) -> Result<()> {
        let one = |walk: &mut Walk<'v>, schema: &'v Value, pointer: String, route: Option<Route>| {
            if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
                return Ok(());
            }
            let to = walk.schema(schema, pointer, base)?;
            if let Some(route) = route {
                walk.nodes[node].edges.push(Edge { route, owner: node, to });
            }
            Ok(())
        };
        match (keyword.shape, value) {
            (Shape::One, schema) => one(self, schema, pointer.to_owned(), route(keyword.target, "", 0)),
            (Shape::OneOrArray, Value::Object(_) | Value::Bool(_)) => {
                one(self, value, pointer.to_owned(), Some(Route::OtherElements))
            }
            (Shape::Array | Shape::OneOrArray, Value::Array(schemas)) => {
                schemas.iter().enumerate().try_for_each(|(at, schema)| {
                    one(self, schema, format!("{pointer}/{at}"), route(keyword.target, "", at))
                })
            }
            (Shape::Object, Value::Object(schemas)) => schemas.iter().try_for_each(|(name, schema)| {
                one(self, schema, format!("{pointer}/{}", pointer::escape(name)), route(keyword.target, name, 0))
            }),
            _ => Ok(()),
        }
    }

    /// Checks the values that this library is stricter about than the meta-schema.
    fn check(&mut self, keyword: &Keyword, value: &'v Value, pointer: &str) -> Result<()> {
        match (keyword.name, value) {
            ("$schema", uri) if uri.as_str().and_then(Dialect::of) != Some(self.dialect) => {
                return Err(refusal::dialect(pointer, uri));
            }
            ("type", Value::String(word)) => refusal::check_type(pointer, word)?,
            ("type", Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).try_for_each(|word| refusal::check_type(pointer, word))?;
            }
            ("format", Value::String(format)) => refusal::check_format(pointer, format, self.dialect)?,
            ("pattern", Value::String(pattern)) => _ = self.patterns.insert(pattern),
            ("patternProperties", Value::Object(schemas)) => self.patterns.extend(names(schemas)),
            _ => {}
        }
        limits::check("different patterns of a schema", self.patterns.len(), PATTERNS, "patterns")
    }

    /// The nodes that a reference may mean.
    fn resolve(&self, reference: &Reference<'v>, registry: &Registry<'_>) -> Result<Vec<usize>> {
        let from = &self.nodes[reference.from].pointer;
        let resolver = registry.resolver(reference.base.clone());
        let found = resolver.lookup(reference.uri).map_err(|error| refusal::reference(from, reference.uri, &error))?;
        let address: *const Value = found.contents();
        let to = *self
            .at
            .get(&address)
            .ok_or_else(|| refusal::reference(from, reference.uri, &"it means no schema of this document"))?;
        // A dynamic reference to a dynamic anchor means the outermost of that name, whichever that is at the time.
        let anchor = reference.uri.rsplit_once('#').map(|(_, fragment)| fragment);
        if reference.dynamic && anchor.is_some() && self.nodes[to].dynamic_anchor == anchor {
            let same = |node: &Node<'_>| node.dynamic_anchor == anchor;
            return Ok((0..self.nodes.len()).filter(|at| same(&self.nodes[*at])).collect());
        }
        Ok(vec![to])
    }
}

/// The words of a schema's `type`.
fn types(schema: &Value) -> Vec<Box<str>> {
    match schema.get("type") {
        Some(Value::String(word)) => vec![word.as_str().into()],
        Some(Value::Array(words)) => words.iter().filter_map(|word| word.as_str().map(Box::from)).collect(),
        _ => Vec::new(),
    }
}

fn names(schemas: &Map<String, Value>) -> impl Iterator<Item = &str> {
    schemas.keys().map(String::as_str)
}

/// By which way a subschema is reached from the schema that has it; `None`: it applies to nothing.
fn route(target: Target, name: &str, at: usize) -> Option<Route> {
    Some(match target {
        Target::Nothing => return None,
        Target::Same => Route::Same,
        Target::SameMaybe => Route::SameMaybe,
        Target::Member => Route::Member(name.into()),
        Target::Matching => Route::Matching,
        Target::OtherMembers => Route::OtherMembers,
        Target::Element => Route::Element(at),
        Target::OtherElements => Route::OtherElements,
        Target::Elements => Route::Elements,
        Target::Names => Route::Names,
    })
}
