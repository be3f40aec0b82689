//! What `create`, `get`, `list` and `update` show of a configuration: every member, and what was made of its schema.

use super::Config;
use super::print::{NULL, Object, or_null, quoted};
use crate::clock::Time;

impl Config {
    /// The config as JSON text: its tag, every member of its definition (those at their defaults too), version and
    /// times. The schema stands there as it was given; `form`, `jsonSchema`, `schemaClass` and `selectorType` say what
    /// it was taken for, and are null without one.
    pub(crate) fn info(&self) -> String {
        let schema = self.definition.schema.as_ref().map(|given| &given.schema);
        let mut out = Object::new();
        out.member("tag", &quoted(&self.tag));
        for (name, raw) in self.definition.members() {
            match name {
                "form" => {
                    out.member("form", &or_null(schema, |schema| quoted(schema.form().as_str())));
                    out.member("jsonSchema", schema.map_or(NULL, |schema| schema.json_schema()));
                    out.member("schemaClass", &or_null(schema, |schema| quoted(schema.class().as_str())));
                }
                "selector" => {
                    out.member("selector", &raw);
                    let selector = self.definition.selector.as_ref();
                    out.member("selectorType", &or_null(selector, |selector| quoted(selector.kind().as_str())));
                }
                _ => out.member(name, &raw),
            }
        }
        let time = |time: Option<Time>| or_null(time, |time| quoted(&time.to_string()));
        out.member("version", &self.version.to_string());
        out.member("createdAt", &time(self.created));
        out.member("updatedAt", &time(self.updated));
        out.close()
    }
}
