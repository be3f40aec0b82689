//! Whose sessions: the user that a caller names.

use serde_json::Value;

use super::Under;
use crate::backend::{BlindUser, StorageId};
use crate::error::{Error, Result, fail};
use crate::json::{Json, Kind, object_members};
use crate::store::Inner;
use crate::vault::Identifier;

/// A user of one config.
pub(super) struct Who {
    pub(super) realm: String,
    pub(super) identifier: Identifier,
    pub(super) user: BlindUser,
}

impl Who {
    /// Reads `"u1"`, `7`, `true`, or `{"realm": …, "subject": …}`. `INVALID_JSON`, `INVALID_ARGUMENT`.
    pub(super) fn read(store: &Inner, under: &Under, text: &str) -> Result<Who> {
        let given = Json::parse(text, &store.limits).map_err(|error| error.at("user"))?;
        let (realm, subject) = match Kind::of(given.as_str()) {
            Kind::Object => foreign(store, given.as_str())?,
            _ => (store.signer.issuer().to_owned(), given.as_str().to_owned()),
        };
        let typed = under.config.definition.selector.as_ref().and_then(|selector| selector.read(&subject));
        let identifier = match typed {
            Some(identifier) => identifier,
            None => other(&subject)?,
        };
        let user = under.vault.user(&realm, &identifier);
        Ok(Who { realm, identifier, user })
    }

    /// The user of that realm and subject.
    pub(super) fn of(under: &Under, realm: &str, subject: &str) -> Who {
        let identifier = Identifier::String(subject.to_owned());
        Who { realm: realm.to_owned(), user: under.vault.user(realm, &identifier), identifier }
    }

    /// Where their standing session lies, begun or not; `None` if nobody has one under this config.
    pub(super) fn standing(&self, under: &Under) -> Option<StorageId> {
        match &self.identifier {
            Identifier::String(subject) if under.config.definition.has_standing_sessions() => {
                Some(under.vault.standing(&self.realm, subject, &self.user))
            }
            _ => None,
        }
    }
}

/// A value that the selector's type does not have: it names nobody, but it may be asked for.
fn other(subject: &str) -> Result<Identifier> {
    match serde_json::from_str(subject) {
        Ok(Value::String(text)) if !text.is_empty() => Ok(Identifier::String(text)),
        Ok(Value::Bool(truth)) => Ok(Identifier::Boolean(truth)),
        Ok(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Identifier::Integer(whole)),
            (None, Some(other)) => Ok(Identifier::Number(other)),
            (None, None) => Err(bad("the number is beyond what identifies anybody")),
        },
        _ => Err(bad("a string, number or boolean is wanted, or {\"realm\": …, \"subject\": …}")),
    }
}

fn foreign(store: &Inner, object: &str) -> Result<(String, String)> {
    let (mut realm, mut subject) = (None, None);
    for (name, raw) in object_members(object, &store.limits)? {
        match &*name {
            "realm" => realm = serde_json::from_str::<String>(raw).ok(),
            "subject" => subject = Some(raw.to_owned()),
            _ => return Err(bad(&format!("there is no member {name:?}; it has realm and subject"))),
        }
    }
    match (realm, subject) {
        (Some(realm), Some(subject)) => Ok((realm, subject)),
        _ => Err(bad("realm, a string, and subject are wanted")),
    }
}

fn bad(message: &str) -> Error {
    fail!(InvalidArgument, "user: {message}").with("argument", "user")
}
