//! Every keyword of the two dialects: where subschemas are in its value, and what they apply to.

use sessile_validator::Draft;

use crate::json::nearest;

/// The two dialects that a schema may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Draft202012,
    Draft07,
}

impl Dialect {
    /// The dialect that a `$schema` names; the scheme and a trailing `#` are a matter of taste.
    pub(super) fn of(uri: &str) -> Option<Dialect> {
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        match uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))? {
            "json-schema.org/draft/2020-12/schema" => Some(Dialect::Draft202012),
            "json-schema.org/draft-07/schema" => Some(Dialect::Draft07),
            _ => None,
        }
    }

    pub(super) fn draft(self) -> Draft {
        match self {
            Dialect::Draft202012 => Draft::Draft202012,
            Dialect::Draft07 => Draft::Draft7,
        }
    }

    /// The dialect's name, as errors print it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Dialect::Draft202012 => "draft 2020-12",
            Dialect::Draft07 => "draft-07",
        }
    }

    fn has(self, of: Drafts) -> bool {
        match of {
            Both => true,
            Newer => self == Dialect::Draft202012,
            Older => self == Dialect::Draft07,
        }
    }
}

/// Where the subschemas are in a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// There are none.
    Plain,
    /// The value is one.
    One,
    /// The value is an array of them.
    Array,
    /// The value is an object of them.
    Object,
    /// One, or an array of them.
    OneOrArray,
}

/// What the subschemas of a keyword apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Nothing: they are there to be referred to, or to be read by people.
    Nothing,
    /// The same value, always.
    Same,
    /// The same value, perhaps, or with another outcome than its own.
    SameMaybe,
    /// The member of the same name.
    Member,
    /// The members whose names match.
    Matching,
    /// The members that the keywords beside it leave.
    OtherMembers,
    /// The element at the same index.
    Element,
    /// The elements that the keywords beside it leave.
    OtherElements,
    /// Every element.
    Elements,
    /// The members' names.
    Names,
}

/// A keyword.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) target: Target,
    drafts: Drafts,
}

#[derive(Clone, Copy)]
enum Drafts {
    Both,
    Newer,
    Older,
}
use Drafts::{Both, Newer, Older};

const fn plain(name: &'static str, drafts: Drafts) -> Keyword {
    Keyword { name, shape: Shape::Plain, target: Target::Nothing, drafts }
}

const fn applies(name: &'static str, shape: Shape, target: Target, drafts: Drafts) -> Keyword {
    Keyword { name, shape, target, drafts }
}

const KEYWORDS: &[Keyword] = &[
    plain("$schema", Both),
    plain("$id", Both),
    plain("$ref", Both),
    plain("$comment", Both),
    plain("$anchor", Newer),
    plain("$dynamicRef", Newer),
    plain("$dynamicAnchor", Newer),
    plain("$vocabulary", Newer),
    applies("$defs", Shape::Object, Target::Nothing, Newer),
    // Not a keyword of 2020-12 any more, but its meta-schema still has it, and so have many schemas.
    applies("definitions", Shape::Object, Target::Nothing, Both),
    applies("allOf", Shape::Array, Target::Same, Both),
    applies("anyOf", Shape::Array, Target::SameMaybe, Both),
    applies("oneOf", Shape::Array, Target::SameMaybe, Both),
    applies("not", Shape::One, Target::SameMaybe, Both),
    applies("if", Shape::One, Target::SameMaybe, Both),
    applies("then", Shape::One, Target::SameMaybe, Both),
    applies("else", Shape::One, Target::SameMaybe, Both),
    applies("dependentSchemas", Shape::Object, Target::SameMaybe, Newer),
    // A member of `dependencies` may also be an array of names, which is passed over as no schema.
    applies("dependencies", Shape::Object, Target::SameMaybe, Older),
    applies("properties", Shape::Object, Target::Member, Both),
    applies("patternProperties", Shape::Object, Target::Matching, Both),
    applies("additionalProperties", Shape::One, Target::OtherMembers, Both),
    applies("unevaluatedProperties", Shape::One, Target::OtherMembers, Newer),
    applies("propertyNames", Shape::One, Target::Names, Both),
    applies("prefixItems", Shape::Array, Target::Element, Newer),
    applies("items", Shape::One, Target::OtherElements, Newer),
    applies("items", Shape::OneOrArray, Target::Element, Older),
    applies("additionalItems", Shape::One, Target::OtherElements, Older),
    applies("unevaluatedItems", Shape::One, Target::OtherElements, Newer),
    applies("contains", Shape::One, Target::Elements, Both),
    applies("contentSchema", Shape::One, Target::Nothing, Newer),
    plain("type", Both),
    plain("enum", Both),
    plain("const", Both),
    plain("multipleOf", Both),
    plain("maximum", Both),
    plain("exclusiveMaximum", Both),
    plain("minimum", Both),
    plain("exclusiveMinimum", Both),
    plain("maxLength", Both),
    plain("minLength", Both),
    plain("pattern", Both),
    plain("maxItems", Both),
    plain("minItems", Both),
    plain("uniqueItems", Both),
    plain("maxContains", Newer),
    plain("minContains", Newer),
    plain("maxProperties", Both),
    plain("minProperties", Both),
    plain("required", Both),
    plain("dependentRequired", Newer),
    plain("format", Both),
    plain("contentEncoding", Both),
    plain("contentMediaType", Both),
    plain("title", Both),
    plain("description", Both),
    plain("default", Both),
    plain("examples", Both),
    plain("readOnly", Both),
    plain("writeOnly", Both),
    plain("deprecated", Newer),
];

/// The keyword of that name, if the dialect has it.
pub(super) fn find(name: &str, dialect: Dialect) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name && dialect.has(keyword.drafts))
}

/// What a keyword that is unknown was probably meant to be.
pub(super) fn meant(name: &str, dialect: Dialect) -> Option<&'static str> {
    // Words of the other dialect, or of older ones, whose successors have another name.
    match (name, dialect) {
        ("id", _) => return Some("$id"),
        ("$defs", Dialect::Draft07) => return Some("definitions"),
        ("dependencies", Dialect::Draft202012) => return Some("dependentRequired"),
        ("additionalItems", Dialect::Draft202012) => return Some("items"),
        _ => {}
    }
    let known: Vec<_> =
        KEYWORDS.iter().filter(|keyword| dialect.has(keyword.drafts)).map(|keyword| keyword.name).collect();
    nearest(name, &known)
}

/// The types that `type` names.
pub(super) const TYPES: &[&str] = &["string", "number", "integer", "boolean", "object", "array", "null"];

/// The formats that are asserted. Those of 2020-12 alone come last.
const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "duration",
    "uuid",
];

/// The formats that are asserted in a dialect.
pub(super) fn formats(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Draft202012 => FORMATS,
        Dialect::Draft07 => &FORMATS[..FORMATS.len() - 2],
    }
}

/// Whether a keyword at the root leaves the schema separable: what it says about an object, it says about each member
/// for itself, or about which must be there.
pub(super) fn is_separable(name: &str, dialect: Dialect) -> bool {
    const FIELDWISE: &[&str] =
        &["type", "properties", "patternProperties", "additionalProperties", "propertyNames", "required"];
    const SAYING_NOTHING: &[&str] = &[
        "$schema",
        "$id",
        "$comment",
        "$anchor",
        "$dynamicAnchor",
        "$vocabulary",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "readOnly",
        "writeOnly",
        "deprecated",
    ];
    find(name, dialect).is_some() && (FIELDWISE.contains(&name) || SAYING_NOTHING.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_own_keywords() {
        use Dialect::{Draft07, Draft202012};
        for (name, newer, older) in [
            ("properties", true, true),
            ("prefixItems", true, false),
            ("additionalItems", false, true),
            ("$defs", true, false),
            ("definitions", true, true),
            ("dependencies", false, true),
            ("dependentRequired", true, false),
            ("x-note", false, false),
            ("$recursiveRef", false, false),
        ] {
            assert_eq!((find(name, Draft202012).is_some(), find(name, Draft07).is_some()), (newer, older), "{name}");
        }
        for (name, dialect, meant_by_it) in [
            ("minumum", Draft202012, Some("minimum")),
            ("propertes", Draft07, Some("properties")),
            ("prefixItem", Draft202012, Some("prefixItems")),
            ("id", Draft07, Some("$id")),
            ("$defs", Draft07, Some("definitions")),
            ("dependencies", Draft202012, Some("dependentRequired")),
            ("discriminator", Draft202012, None),
        ] {
            assert_eq!(meant(name, dialect), meant_by_it, "{name}");
        }
    }

    #[test]
    fn dialects_are_told_by_their_uri() {
        for (uri, dialect) in [
            ("https://json-schema.org/draft/2020-12/schema", Some(Dialect::Draft202012)),
            ("http://json-schema.org/draft-07/schema#", Some(Dialect::Draft07)),
            ("https://json-schema.org/draft-07/schema", Some(Dialect::Draft07)),
            ("https://json-schema.org/draft/2019-09/schema", None),
            ("http://json-schema.org/draft-07/schema##", None),
            ("string", None),
        ] {
            assert_eq!(Dialect::of(uri), dialect, "{uri}");
        }
    }
}
