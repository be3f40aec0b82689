//! A session configuration: the definition of a kind of session, named by its tag.
#![allow(dead_code)]

mod configs;
mod expiry;
mod idle;
mod member;
mod schema;
mod selector;
pub(crate) mod tag;

pub use configs::Configs;

use crate::clock::Time;
use crate::error::Result;
use crate::limits::Limits;
use expiry::{Expiry, Unit};

/// What a session of this kind is like.
pub(crate) struct Config {
    pub(crate) tag: &'static str,
    /// Part of every key derived for the config, so that a tag made again never meets old records.
    pub(crate) id: [u8; 16],
    /// Counts the config's changes.
    pub(crate) version: u32,
    /// How long after it began a session ends; `None`: never.
    pub(crate) expiry: Option<Expiry>,
}

/// The built-in config: no schema, ends 30 days after it began; it can't be redefined or deleted.
pub(crate) static GLOBAL: Config =
    Config { tag: "global", id: [0; 16], version: 1, expiry: Some(Expiry::of(30, Unit::Day)) };

impl Config {
    /// When a session that begins now ends; `None`: never.
    pub(crate) fn end_of(&self, began: Time) -> Result<Option<Time>> {
        self.expiry.map(|expiry| expiry.end_of(began)).transpose()
    }
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
