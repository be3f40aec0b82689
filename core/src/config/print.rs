//! A definition as text: every member, or those that say something; always in the same order, without white space.

use super::definition::{Definition, REFRESH, REFRESH_GRACE, RETENTION, TOKEN};
use super::expiry::Expiry;
use super::quota::OnLimit;
use crate::json::push_quoted;

/// What a member is that has no value.
pub(super) const NULL: &str = "null";

impl Definition {
    /// What `export` gives: the members that are not at their defaults, and the tag. It reads back to the same.
    pub(crate) fn to_json(&self, tag: &str) -> String {
        let mut out = Object::new();
        for (name, raw) in self.members() {
            if !self.is_default(name, &raw) {
                out.member(name, &raw);
            }
            if name == "name" {
                out.member("tag", &quoted(tag));
            }
        }
        out.close()
    }

    fn is_default(&self, name: &str, raw: &str) -> bool {
        match name {
            "tokenExpiry" | "tokenPeriod" => self.token == TOKEN,
            "refreshExpiry" | "refreshPeriod" => self.refresh == REFRESH,
            "onLimit" => self.on_limit == OnLimit::default(),
            "shred" => !self.shred,
            "refreshGrace" => self.refresh_grace == REFRESH_GRACE,
            "retention" => self.retention == Some(RETENTION),
            _ => raw == NULL,
        }
    }

    /// Every member but the tag, with its value as raw text.
    pub(super) fn members(&self) -> Vec<(&'static str, String)> {
        let schema = self.schema.as_ref();
        let (expiry, period) = match self.expiry {
            Some(expiry) => pair(expiry),
            None => (NULL.to_owned(), NULL.to_owned()),
        };
        let (token_expiry, token_period) = pair(self.token);
        let (refresh_expiry, refresh_period) = pair(self.refresh);
        vec![
            ("name", quoted(&self.name)),
            ("description", or_null(self.description.as_deref(), quoted)),
            ("expiry", expiry),
            ("period", period),
            ("idle", or_null(self.idle, Expiry::to_object)),
            ("schema", or_null(schema, |schema| schema.text.to_string())),
            ("form", or_null(schema.and_then(|schema| schema.form), |form| quoted(form.as_str()))),
            ("selector", or_null(self.selector.as_ref(), |selector| quoted(&selector.to_string()))),
            ("tokenExpiry", token_expiry),
            ("tokenPeriod", token_period),
            ("refreshExpiry", refresh_expiry),
            ("refreshPeriod", refresh_period),
            ("maxSessionsPerUser", or_null(self.max_sessions, |most| most.to_string())),
            ("onLimit", quoted(self.on_limit.as_str())),
            ("shred", self.shred.to_string()),
            ("refreshGrace", self.refresh_grace.to_string()),
            ("maxLifetime", or_null(self.max_lifetime, Expiry::to_object)),
            ("retention", or_null(self.retention, Expiry::to_object)),
            ("acr", if self.acr.is_empty() { NULL.to_owned() } else { array(&self.acr) }),
            ("maxAuthAge", or_null(self.max_auth_age, |age| age.to_string())),
        ]
    }
}

fn pair(expiry: Expiry) -> (String, String) {
    (expiry.value().to_string(), quoted(expiry.unit().as_str()))
}

fn array(words: &[Box<str>]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(","))
}

/// The text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

/// The value as `print` has it, or `null`.
pub(super) fn or_null<T>(value: Option<T>, print: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NULL.to_owned(), print)
}

/// An object's text as it grows.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Object {
        Object("{".to_owned())
    }

    /// Adds a member whose value is JSON text already.
    pub(super) fn member(&mut self, name: &str, raw: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_quoted(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(raw);
    }

    pub(super) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
