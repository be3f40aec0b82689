//! The members of a definition as they were given: each known by its name, its value kept as text.

use super::expiry::{self, Expiry};
use super::member::{Member, hint, missing, shortened};
use crate::error::{Error, Result, fail};
use crate::json::{Json, Kind, nearest, object_members};
use crate::limits::{self, Limits};

/// Every member of a definition, in the order in which they are read, reported and printed.
pub(crate) const NAMES: &[&str] = &[
    "name",
    "tag",
    "description",
    "expiry",
    "period",
    "idle",
    "schema",
    "form",
    "selector",
    "tokenExpiry",
    "tokenPeriod",
    "refreshExpiry",
    "refreshPeriod",
    "maxSessionsPerUser",
    "onLimit",
    "shred",
    "refreshGrace",
    "maxLifetime",
    "retention",
    "acr",
    "maxAuthAge",
];

/// A member that says how another is meant, and that other: where a change takes the other away, it goes along.
const COMPANIONS: &[(&str, &str)] =
    &[("period", "expiry"), ("form", "schema"), ("tokenPeriod", "tokenExpiry"), ("refreshPeriod", "refreshExpiry")];

/// The members that somebody gave.
pub(crate) struct Given<'a>(Vec<Member<'a>>);

impl<'a> Given<'a> {
    /// Reads the object of a definition, or of changes to one. `CONFIG_INVALID` if it is no object or has a member
    /// that no definition has; `INVALID_JSON` if one is there twice.
    pub(crate) fn read(text: &'a str, limits: &Limits) -> Result<Given<'a>> {
        limits::check("definition", text.len(), limits.message, "bytes")?;
        if Kind::of(text) != Kind::Object {
            let given = Json::parse(text, limits)?.kind();
            return Err(fail!(
                ConfigInvalid,
                "a definition is a JSON object like {{\"name\": \"User session\", \"expiry\": 7, \"period\": \
                 \"months\"}}, not {given}"
            )
            .with("given", given.as_str()));
        }
        let members = object_members(text, limits)?.into_iter().map(|(name, raw)| {
            let known = NAMES.iter().find(|known| **known == name).ok_or_else(|| unknown(&name))?;
            Ok(Member { name: known, raw })
        });
        Ok(Given(members.collect::<Result<_>>()?))
    }

    /// These members, and from `base` those that these do not name. Form and schema go together: a schema that is
    /// given is read by the form beside it, never by the form of the one before.
    pub(crate) fn over(mut self, base: &'a [(&'static str, String)]) -> Given<'a> {
        let kept: Vec<_> = base
            .iter()
            .filter(|(name, _)| self.named(name).is_none() && !self.takes_away(name))
            .map(|(name, raw)| Member { name, raw })
            .collect();
        self.0.extend(kept);
        self
    }

    /// Whether these members take away what the member `name` is about.
    fn takes_away(&self, name: &str) -> bool {
        let about = COMPANIONS.iter().find(|(companion, _)| *companion == name);
        about.and_then(|(_, about)| self.named(about)).is_some_and(|about| about.name == "schema" || about.is_null())
    }

    /// The member as it was given, `null` too; `None` if nobody named it.
    pub(crate) fn named(&self, name: &str) -> Option<Member<'a>> {
        self.0.iter().find(|member| member.name == name).copied()
    }

    /// The member, if it was given a value: `null` stands for its default, as absence does.
    pub(crate) fn get(&self, name: &str) -> Option<Member<'a>> {
        self.named(name).filter(|member| !member.is_null())
    }

    /// A duration in two members, as `expiry` and `period` are. `CONFIG_INVALID` names the one that is missing.
    pub(crate) fn duration(&self, value: &str, period: &str) -> Result<Option<Expiry>> {
        match (self.get(value), self.get(period)) {
            (Some(value), Some(period)) => Expiry::read(value, period).map(Some),
            (None, None) => Ok(None),
            (Some(_), None) => Err(missing(period, &format!("beside {value}"), expiry::ACCEPTED)),
            (None, Some(_)) => Err(missing(value, &format!("beside {period}"), "a whole number, 1 or more")),
        }
    }
}

fn unknown(name: &str) -> Error {
    let name = shortened(name);
    let error = fail!(ConfigInvalid, "there is no member {name:?}; a definition has {}", NAMES.join(", "))
        .with("member", name.as_str());
    match nearest(&name, NAMES) {
        Some(word) => hint(error, word),
        None => error,
    }
}
