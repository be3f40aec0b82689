//! A configuration as the catalog keeps it, before it is sealed: its definition as `export` gives it, and what the
//! store adds.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::print::{Object, or_null, quoted};
use super::{Config, Definition, definition};
use crate::clock::Time;
use crate::error::{Error, Result, fail};

/// Where a config stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Active,
    /// No session may begin under it any more; whether it goes is not decided.
    Deleting,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Deleting => "deleting",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<'t> {
    id: &'t str,
    version: u32,
    state: State,
    created_at: Option<i64>,
    updated_at: Option<i64>,
    #[serde(borrow)]
    definition: &'t RawValue,
}

impl Config {
    /// The text that [`Config::from_stored`] reads.
    pub(crate) fn to_stored(&self, state: State) -> String {
        let millis = |time: Option<Time>| or_null(time, |time| time.millis().to_string());
        let mut out = Object::new();
        out.member("id", &quoted(&format!("{:032x}", u128::from_be_bytes(self.id))));
        out.member("version", &self.version.to_string());
        out.member("state", &quoted(state.as_str()));
        out.member("createdAt", &millis(self.created));
        out.member("updatedAt", &millis(self.updated));
        out.member("definition", &self.definition.to_json(&self.tag));
        out.close()
    }

    /// Reads what was stored, also what is beyond a limit that was lowered since. `CORRUPT` for anything else than
    /// what [`Config::to_stored`] wrote.
    pub(crate) fn from_stored(text: &str) -> Result<(Config, State)> {
        let stored: Stored<'_> = serde_json::from_str(text).map_err(|error| corrupt(&error))?;
        let id = Some(stored.id).filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let id = id.and_then(|id| u128::from_str_radix(id, 16).ok()).ok_or_else(|| corrupt(&"its id"))?;
        let (tag, definition) =
            Definition::read(stored.definition.get(), &definition::kept_limits()).map_err(|error| corrupt(&error))?;
        let config = Config {
            tag: tag.into(),
            id: id.to_be_bytes(),
            version: stored.version,
            created: stored.created_at.map(Time::from_millis),
            updated: stored.updated_at.map(Time::from_millis),
            definition,
        };
        Ok((config, stored.state))
    }
}

fn corrupt(why: &dyn std::fmt::Display) -> Error {
    fail!(Corrupt, "a stored configuration does not read back: {why}")
}
