//! A Global session found: where it lies, whose it is, and on what proof; not yet read.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::backend::{BlindUser, CellId, Space, StorageId};
use crate::clock::Time;
use crate::config::{Config, Found};
use crate::error::{Error, Result, fail};
use crate::execution::not_allowed;
use crate::identity::{SessionRef, VerifiedToken};
use crate::json::FieldName;
use crate::session::seen::Seen;
use crate::store::Inner;
use crate::vault::{ConfigVault, FieldSeals, Head, KnownCells, Life};

/// One session of one config.
pub(crate) struct Target {
    pub(crate) tag: Arc<str>,
    pub(crate) config_id: [u8; 16],
    pub(crate) vault: Arc<ConfigVault>,
    pub(crate) space: Space,
    pub(crate) id: StorageId,
    pub(crate) kind: Kind,
    /// The life that the execution met first: once there, it never becomes another.
    pub(crate) pinned: Mutex<Option<Pin>>,
}

/// How a session came to be, which decides what may be done where none stands.
pub(crate) enum Kind {
    /// A user's standing session: their first Put begins it.
    Standing { user: BlindUser },
    /// Named by its id: it is there or it is not. Whose it is says its head, and before that its token.
    Named { user: Option<BlindUser> },
}

/// See [`Target::pinned`].
#[derive(Clone, Copy)]
pub(crate) struct Pin {
    pub(crate) life: Life,
    /// When it is over by itself, as it was met last.
    pub(crate) over_at: Option<Time>,
}

impl Target {
    /// The standing session of that token's user. `GLOBAL_NOT_ALLOWED` if the config's selector is not a string: a
    /// subject is one.
    pub(crate) fn standing(store: &Inner, config: &Config, token: &VerifiedToken) -> Result<Target> {
        if !config.definition.has_standing_sessions() {
            let why = format!("config {:?} has no standing sessions, for its selector is not a string", config.tag);
            return Err(not_allowed("selector", &why));
        }
        let vault = store.vault.config(&config.tag, &config.id);
        let standing = token.standing(&config.id, &vault);
        Ok(Target::of(config, vault, standing.id, Kind::Standing { user: standing.user }))
    }

    /// The session with that id.
    pub(crate) fn named(store: &Inner, config: &Config, id: StorageId, user: Option<BlindUser>) -> Target {
        Target::of(config, store.vault.config(&config.tag, &config.id), id, Kind::Named { user })
    }

    fn of(config: &Config, vault: Arc<ConfigVault>, id: StorageId, kind: Kind) -> Target {
        let space = vault.space();
        Target { tag: config.tag.clone(), config_id: config.id, vault, space, id, kind, pinned: Mutex::new(None) }
    }

    /// The user, where it is known before the head is read.
    pub(crate) fn user(&self) -> Option<BlindUser> {
        match &self.kind {
            Kind::Standing { user } => Some(*user),
            Kind::Named { user } => *user,
        }
    }

    /// Whether the execution met a life: from then on it is held to that one.
    pub(super) fn has_met(&self) -> bool {
        self.pinned.lock().is_some()
    }

    /// Holds the execution to that life, as it is now; or gives the other one that it met first.
    pub(super) fn pin(&self, seen: &Seen) -> std::result::Result<(), Pin> {
        let mut pinned = self.pinned.lock();
        match *pinned {
            Some(first) if first.life != seen.head.life => Err(first),
            _ => {
                *pinned = Some(Pin { life: seen.head.life, over_at: seen.over_at() });
                Ok(())
            }
        }
    }

    /// The user whose session that head is.
    pub(crate) fn owner(&self, head: &Head) -> BlindUser {
        self.user().unwrap_or_else(|| head.owner.user(&self.vault))
    }
}

/// A target, its config as it is now, and the proof that opened it: what one operation needs.
pub(crate) struct Opened {
    pub(crate) target: Arc<Target>,
    pub(crate) config: Found,
    pub(crate) proof: Proof,
}

/// On the strength of what an operation is done.
pub(crate) enum Proof {
    Token(VerifiedToken),
    /// The store's own user named the session by its id.
    Id,
}

impl Opened {
    pub(super) fn cell(&self, name: &FieldName) -> CellId {
        self.target.vault.cell_id_of(self.known_cells(), &self.target.id, name.as_str())
    }

    /// What the fields of that life are sealed and opened with.
    pub(super) fn field_seals<'a>(&'a self, seen: &'a Seen) -> FieldSeals<'a> {
        let Target { vault, id, .. } = &*self.target;
        vault.field_seals(seen.keys.as_deref(), id, &seen.head.life).knowing(self.known_cells())
    }

    /// The token whose user's standing session it is.
    pub(super) fn standing_token(&self) -> Option<&VerifiedToken> {
        match (&self.target.kind, &self.proof) {
            (Kind::Standing { .. }, Proof::Token(token)) => Some(token),
            _ => None,
        }
    }

    /// What the token remembers of the session's cells.
    fn known_cells(&self) -> Option<&KnownCells> {
        match &self.proof {
            Proof::Token(token) => Some(token.known_cells()),
            Proof::Id => None,
        }
    }

    /// Whether the token may open what stands there: a standing session may have been revoked since it was issued. One
    /// that is named by its id never begins anew.
    pub(super) fn is_admitted(&self, head: &Head) -> bool {
        match (&self.proof, &self.target.kind, head.not_before) {
            (Proof::Token(token), Kind::Standing { .. }, Some(not_before)) => token.issued_at() > not_before,
            _ => true,
        }
    }

    /// Nothing is stored where a session was named.
    pub(super) fn missing(&self, now: Time) -> Error {
        let ends_at = match &self.proof {
            Proof::Id => return fail!(NotFound, "no session has this id").with("tag", &*self.target.tag),
            Proof::Token(token) => token.session().and_then(|session: &SessionRef| session.ends_at),
        };
        match ends_at {
            Some(end) if end <= now => self.expired(),
            _ => self.ended("revoked"),
        }
    }

    /// Whether that session token opens a session that began too long ago to count as a login.
    pub(super) fn is_stale(&self, head: &Head, now: Time) -> bool {
        let is_session = matches!(&self.proof, Proof::Token(token) if token.session().is_some());
        is_session && self.config.definition.is_stale(head.began, now)
    }

    pub(super) fn expired(&self) -> Error {
        session_expired(&self.target.tag)
    }

    /// The user was revoked, and nothing has been met with this token yet.
    pub(super) fn revoked(&self) -> Error {
        Error::new(crate::Code::TokenRevoked, "the user was revoked after this token was issued: log in again")
            .with("tag", &*self.target.tag)
    }

    /// `SESSION_REVOKED`; `reason` is `ended`, `evicted` or `revoked`.
    pub(super) fn ended(&self, reason: &str) -> Error {
        let message = match reason {
            "evicted" => "the session was ended to make room for another one of its user",
            "revoked" => "the session was revoked",
            _ => "the session was ended",
        };
        Error::new(crate::Code::SessionRevoked, message).with("tag", &*self.target.tag).with("reason", reason)
    }
}

/// `SESSION_EXPIRED`: the session goes on for those who authenticated lately, and its user did when it began.
pub(crate) fn stale_login(tag: &str) -> Error {
    let message = "the session began longer ago than the configuration's maxAuthAge: its user has to log in again";
    fail!(SessionExpired, "{message}").with("tag", tag).with("reason", "maxAuthAge")
}

pub(crate) fn session_expired(tag: &str) -> Error {
    fail!(SessionExpired, "the session has reached its end").with("tag", tag)
}
