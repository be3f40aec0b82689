//! One event: what happened, whose it was, and why. Names nobody: users are blind ids, and there is no place for a token,
//! a claim, a field or its value.

use std::fmt::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::backend::{BlindUser, StorageId};
use crate::clock::Time;
use crate::error::{Code, Error};
use crate::identity::VerifiedToken;
use crate::vault::{SessionId, Vault};

macro_rules! whats {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened. The names stand in `docs/events.md`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum What { $($(#[$doc])* $variant,)* }

        impl What {
            #[cfg(test)]
            pub(crate) const ALL: &'static [What] = &[$(What::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(What::$variant => $name,)* }
            }
        }
    };
}

whats! {
    TokenVerified = "token.verified",
    TokenRefused = "token.refused",
    SessionStarted = "session.started",
    SessionEnded = "session.ended",
    /// Ended to make room for another one of its user.
    SessionEvicted = "session.evicted",
    SessionRevoked = "session.revoked",
    SessionRefreshed = "session.refreshed",
    /// A refresh token came a second time: theft.
    RefreshReused = "session.refresh_reused",
    /// All sessions of a user, and the tokens issued until then.
    UserRevoked = "user.revoked",
    UserForgotten = "user.forgotten",
    /// Tokens that are not good any more, by their issuer, their `jti` or a logout.
    TokenRevoked = "token.revoked",
    ConfigCreated = "config.created",
    ConfigChanged = "config.changed",
    ConfigDeleted = "config.deleted",
    /// A key has another state, or is there, or is gone.
    KeyChanged = "key.changed",
    /// A keyring that was offered is not in force: what was before it goes on.
    KeyringRefused = "keyring.refused",
    LimitHit = "limit.hit",
    TamperingSeen = "tampering.seen",
    /// Events were lost, for nobody fetched them.
    Dropped = "audit.dropped",
}

/// Whom an event is about, as far as it is known.
#[derive(Clone, Default)]
pub(crate) struct Whose {
    pub(crate) tag: Option<Arc<str>>,
    /// Blind in the configuration with that tag; without one, in the namespace.
    pub(crate) user: Option<BlindUser>,
    pub(crate) session: Option<StorageId>,
    /// The id that the host gave the execution.
    pub(crate) request: Option<Arc<str>>,
}

impl Whose {
    pub(crate) fn session(tag: &Arc<str>, user: Option<BlindUser>, id: StorageId) -> Whose {
        Whose { tag: Some(tag.clone()), user, session: Some(id), request: None }
    }

    pub(crate) fn user(tag: &Arc<str>, user: BlindUser) -> Whose {
        Whose { tag: Some(tag.clone()), user: Some(user), ..Whose::default() }
    }

    pub(crate) fn tag(tag: &str) -> Whose {
        Whose { tag: Some(tag.into()), ..Whose::default() }
    }

    pub(crate) fn id(id: &SessionId) -> Whose {
        Whose { session: Some(id.storage), ..Whose::tag(&id.tag) }
    }

    /// The user that a token proves, who has no configuration yet: a session token names its own.
    pub(crate) fn proven(vault: &Vault, token: &VerifiedToken) -> Whose {
        match token.session() {
            Some(session) => Whose { user: Some(session.user), ..Whose::id(&session.id) },
            None => Whose { user: Some(vault.identity_mac(token.realm(), token.subject())), ..Whose::default() },
        }
    }

    pub(crate) fn at(self, request: Option<Arc<str>>) -> Whose {
        Whose { request, ..self }
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Event {
    pub(super) what: What,
    pub(super) whose: Whose,
    pub(super) key: Option<Box<str>>,
    pub(super) reason: Option<Box<str>>,
    pub(super) code: Option<Code>,
    /// How many, for [`What::Dropped`].
    pub(super) count: Option<u64>,
}

impl Event {
    pub(crate) fn of(what: What) -> Event {
        Event { what, whose: Whose::default(), key: None, reason: None, code: None, count: None }
    }

    pub(crate) fn whose(self, whose: Whose) -> Event {
        Event { whose, ..self }
    }

    pub(crate) fn key(self, id: &str) -> Event {
        Event { key: Some(id.into()), ..self }
    }

    pub(crate) fn reason(self, reason: &str) -> Event {
        Event { reason: Some(reason.into()), ..self }
    }

    pub(crate) fn code(self, code: Code) -> Event {
        Event { code: Some(code), ..self }
    }

    /// What an error says of itself: its code, its reason and the key that it names.
    pub(crate) fn refused(self, error: &Error) -> Event {
        let details = error.details();
        // What was measured stands for the reason of a limit. Both are words of ours; anything else would be a mistake.
        let reason = details.get("reason").or_else(|| details.get("what")).and_then(|reason| reason.as_str());
        let reason = reason.filter(|reason| is_word(reason)).map(Box::from);
        let key = details.get("keyId").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned).into());
        Event { code: Some(error.code()), reason, key, ..self }
    }

    pub(super) fn dropped(count: u64) -> Event {
        Event { count: Some(count), ..Event::of(What::Dropped) }
    }

    /// Members that have a text, in their order, each escaped.
    pub(super) fn members(&self) -> [(&'static str, Option<String>); 7] {
        let Whose { tag, user, session, request } = &self.whose;
        let id = tag.as_ref().zip(*session).map(|(tag, storage)| SessionId { tag: (&**tag).into(), storage });
        [
            ("tag", tag.as_deref().map(escaped)),
            ("user", user.map(|user| URL_SAFE_NO_PAD.encode(user))),
            ("sessionId", id.map(|id| escaped(&id.to_string()))),
            ("keyId", self.key.as_deref().map(escaped)),
            ("reason", self.reason.as_deref().map(escaped)),
            ("code", self.code.map(|code| code.name().to_owned())),
            ("requestId", request.as_deref().map(escaped)),
        ]
    }

    /// `{"at", "event", …}`: members that say nothing are left out.
    pub(super) fn to_json(&self, at: Time) -> String {
        let mut text = format!(r#"{{"at":"{at}","event":"{}""#, self.what.name());
        for (name, value) in self.members() {
            let Some(value) = value else { continue };
            for part in [",\"", name, "\":\"", &value, "\""] {
                text.push_str(part);
            }
        }
        if let Some(count) = self.count {
            text.push_str(&format!(r#","count":{count}"#));
        }
        text.push('}');
        text
    }
}

/// The words that reasons are made of.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' '))
}

/// Fit for the inside of a JSON string, and for a line of a log: what is not printed is written as `\u….`, all that can
/// turn lines and reading directions around too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() || is_invisible(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// Line and paragraph separators, marks of direction, and what has no width.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_reads_as_documented() {
        let whose = Whose::session(&"cart".into(), Some([1; 16]), [2; 17]).at(Some("r-1".into()));
        let event = Event::of(What::SessionEnded).whose(whose).reason("why").key("7");
        assert_eq!(
            event.to_json(Time::from_millis(1)),
            concat!(
                r#"{"at":"1970-01-01T00:00:00.001Z","event":"session.ended","tag":"cart","user":"AQEBAQEBAQEBAQEBAQEBAQ","#,
                r#""sessionId":"cart.02AgICAgICAgICAgICAgICAg","keyId":"7","reason":"why","requestId":"r-1"}"#
            )
        );
        let dropped = Event::dropped(3).to_json(Time::from_millis(0));
        assert_eq!(dropped, r#"{"at":"1970-01-01T00:00:00.000Z","event":"audit.dropped","count":3}"#);
    }

    #[test]
    fn what_is_not_printed_is_escaped() {
        let table = [
            ("a\r\nb", r"a\u000d\u000ab"),
            ("\"\\", r#"\"\\"#),
            ("\0\u{7f}\u{85}", r"\u0000\u007f\u0085"),
            ("\u{2028}\u{202e}x", r"\u2028\u202ex"),
            ("\u{e0041}", r"\udb40\udc41"),
            ("é 👍", "é 👍"),
        ];
        for (given, wanted) in table {
            assert_eq!(escaped(given), wanted);
            let back: String = serde_json::from_str(&format!("\"{}\"", escaped(given))).unwrap();
            assert_eq!(back, given);
        }
    }

    #[test]
    fn only_words_of_ours_are_reasons() {
        let refused = |reason: &str| {
            Event::of(What::TokenRefused).refused(&Error::new(Code::TokenClaims, "m").with("reason", reason)).reason
        };
        assert_eq!(refused("not_yet").as_deref(), Some("not_yet"));
        for other in ["", "Ann", "a@b.c", "a\nb", &"x".repeat(65)] {
            assert_eq!(refused(other), None, "{other:?}");
        }
    }

    #[test]
    fn every_event_is_documented() {
        let page = include_str!("../../../docs/events.md");
        for what in What::ALL {
            assert!(page.contains(&format!("`{}`", what.name())), "{}", what.name());
        }
    }
}
