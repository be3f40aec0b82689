//! One revocation as it is kept: what is not good any more, and until when that could matter.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::error::{Result, fail};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Revocation {
    pub(super) kind: Kind,
    pub(super) issuer: Box<str>,
    /// The `jti` or `sid`; empty for an issuer.
    pub(super) id: Box<str>,
    /// No token that was issued until then, in milliseconds; for an issuer.
    pub(super) not_before: i64,
    /// When it can be forgotten, in milliseconds; `None`: never.
    pub(super) until: Option<i64>,
}

/// What is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Kind {
    /// The issuer's tokens up to an instant.
    Issuer,
    /// One token, by its `jti`.
    Token,
    /// All tokens of one of the issuer's own sessions, by their `sid`.
    Login,
    /// Nothing: a logout token that was taken.
    Logout,
}

impl Kind {
    /// What of tokens is revoked, as errors and events say it; `None`: nothing is.
    pub(super) fn of_tokens(self) -> Option<&'static str> {
        match self {
            Kind::Issuer => Some("issuer"),
            Kind::Token => Some("token"),
            Kind::Login => Some("logout"),
            Kind::Logout => None,
        }
    }
}

impl Revocation {
    pub(super) fn of_issuer(issuer: &str, not_before: Time, until: Option<Time>) -> Revocation {
        let not_before = not_before.millis();
        Revocation {
            kind: Kind::Issuer,
            issuer: issuer.into(),
            id: "".into(),
            not_before,
            until: until.map(Time::millis),
        }
    }

    pub(super) fn of(kind: Kind, issuer: &str, id: &str, until: Option<Time>) -> Revocation {
        Revocation { kind, issuer: issuer.into(), id: id.into(), not_before: 0, until: until.map(Time::millis) }
    }

    /// What tells it from others: where it lies is made of that.
    pub(super) fn place(&self) -> [&[u8]; 3] {
        let kind: &[u8] = match self.kind {
            Kind::Issuer => b"issuer",
            Kind::Token => b"token",
            Kind::Login => b"login",
            Kind::Logout => b"logout",
        };
        [kind, self.issuer.as_bytes(), self.id.as_bytes()]
    }

    pub(super) fn matters_at(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until > now.millis())
    }

    pub(super) fn to_text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|_| fail!(Internal, "a revocation can't be written"))
    }

    pub(super) fn from_text(text: &str) -> Result<Revocation> {
        serde_json::from_str(text).map_err(|_| fail!(Corrupt, "a stored revocation is none"))
    }
}
