//! A session configuration: the definition of a kind of session, named by its tag.
//!
//! `given` reads a definition's members, `member` and `duration`, `expiry`, `tag`, `schema`, `selector`, `quota` one kind
//! of them each; `definition` makes a whole of them, or merges changes into one, and `print` writes it down again. A
//! [`Config`] is a definition with what the store adds: `info` is what people see of it, `stored` what the `catalog` keeps.
//! `configs` is the door.

mod catalog;
mod configs;
mod definition;
mod duration;
mod expiry;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
pub mod fuzz;
mod given;
mod info;
mod member;
mod print;
mod quota;
mod schema;
mod selector;
mod stored;
pub(crate) mod tag;

use std::sync::{Arc, LazyLock};

pub use configs::Configs;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::limits::Limits;
pub(crate) use expiry::Expiry;
use expiry::Unit;

pub(crate) use catalog::{Catalog, Found};
pub(crate) use definition::Definition;
pub(crate) use quota::OnLimit;
pub(crate) use schema::Schema;
pub(crate) use selector::Selector;
use stored::State;

/// The tag of the built-in config.
pub(crate) const GLOBAL: &str = "global";

/// A configuration as it stands in a store.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) tag: Arc<str>,
    /// Part of every key derived for the config, so that a tag made again never meets old records.
    pub(crate) id: [u8; 16],
    /// Counts the config's changes, from 1.
    pub(crate) version: u32,
    /// When it was made and last changed; nobody made the built-in one.
    pub(crate) created: Option<Time>,
    pub(crate) updated: Option<Time>,
    pub(crate) definition: Definition,
}

/// The built-in config: no schema, ends 30 days after it began; it can't be redefined or deleted.
pub(crate) fn global() -> Arc<Config> {
    static BUILT_IN: LazyLock<Arc<Config>> = LazyLock::new(|| {
        let definition = Definition { expiry: Some(Expiry::of(30, Unit::Day)), ..Definition::named("Global") };
        Arc::new(Config { tag: GLOBAL.into(), id: [0; 16], version: 1, created: None, updated: None, definition })
    });
    BUILT_IN.clone()
}

impl Config {
    /// When a session that begins now ends, whatever happens: by its expiry or its longest life, the earlier; `None`:
    /// never. `CONFIG_INVALID` for an end after the year 9999.
    pub(crate) fn end_of(&self, began: Time) -> Result<Option<Time>> {
        let end = |lasts: Option<Expiry>, member| lasts.map(|lasts| end_of(lasts, began, member)).transpose();
        let ends = [end(self.definition.expiry, "expiry")?, end(self.definition.max_lifetime, "maxLifetime")?];
        Ok(ends.into_iter().flatten().min())
    }

    /// For how many milliseconds a session that begins now may go unused; `None`: for ever. A month of idleness is as
    /// long as the month that follows the beginning.
    pub(crate) fn idle_millis(&self, began: Time) -> Result<Option<i64>> {
        let idle = self.definition.idle;
        idle.map(|idle| Ok(end_of(idle, began, "idle")?.millis() - began.millis())).transpose()
    }
}

fn end_of(lasts: Expiry, began: Time, member: &str) -> Result<Time> {
    let named = |error: Error| error.at(member).with("member", member);
    lasts.end_of(began).map_err(named)
}

/// The fields that a config with this schema (in any of its three forms) may take as its selector: JSON text,
/// `[{"selector": "$Session{userId}", "path": "userId", "type": "string"}, …]`, in the order of the schema. `type` is
/// `string`, `integer`, `number` or `boolean`; `path` is the short spelling that a config accepts as well.
///
/// `CONFIG_INVALID` says what is wrong with the schema and where; seed 002, step 6.
///
/// ```
/// let options = sessile::selector_options(r#"{"userId": "string", "profile": {"age": "integer"}, "tags": "array"}"#)?;
/// assert_eq!(
///     options,
///     concat!(
///         r#"[{"selector":"$Session{userId}","path":"userId","type":"string"},"#,
///         r#"{"selector":"$Session{profile}{age}","path":"profile.age","type":"integer"}]"#
///     )
/// );
/// assert!(sessile::selector_options("[]").is_err());
/// # Ok::<(), sessile::Error>(())
/// ```
pub fn selector_options(schema: &str) -> Result<String> {
    let schema = schema::Schema::compile(schema, None, &[], &Limits::default())?;
    Ok(selector::to_json(&selector::options(&schema)?))
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
