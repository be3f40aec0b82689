//! A life that begins: one change that makes head, fields, user record and index entry.

use std::sync::Arc;

use crate::backend::{BlindUser, Cells, Change, Effects, Guard, HeadGuard, Stamp, StorageId, UserEffect, UserSessions};
use crate::clock::Time;
use crate::config::Config;
use crate::error::Result;
use crate::json::{FieldName, Json};
use crate::session::field::FieldVersion;
use crate::session::seen::{Seen, ends_left};
use crate::store::Inner;
use crate::vault::{ConfigVault, Entropy, FieldSeals, Head, HeadState, Identifier, Owner, User, UserKeys};

use super::kept::row_hint;

/// Which session begins, whose, and in place of what.
pub(crate) struct Birth<'a> {
    pub(crate) config: &'a Config,
    pub(crate) vault: &'a ConfigVault,
    pub(crate) id: StorageId,
    pub(crate) user: BlindUser,
    pub(crate) realm: &'a str,
    pub(crate) identifier: &'a Identifier,
    pub(crate) guard: HeadGuard,
    /// Of the head that it takes the place of: what was revoked stays so for the tokens of then.
    pub(crate) not_before: Option<Time>,
    pub(crate) ends: Option<Time>,
    /// Of the user, under a config that shreds.
    pub(crate) keys: Option<Arc<UserKeys>>,
}

/// The change, and what will be there once it is applied.
pub(crate) struct Born {
    pub(crate) change: Change,
    pub(crate) seen: Seen,
    pub(crate) versions: Vec<FieldVersion>,
}

impl Birth<'_> {
    /// `known`: what there is of the user; `evicted`: those of their sessions that are ended to make room for this one.
    pub(crate) fn prepare(
        &self,
        store: &Inner,
        known: &UserSessions,
        evicted: &[StorageId],
        fields: &[(FieldName, Json, Option<Time>)],
        now: Time,
        entropy: &mut Entropy,
    ) -> Result<Born> {
        let Birth { config, vault, id, user, realm, identifier, keys, .. } = self;
        let whose = match keys {
            Some(keys) => Owner::boxed(keys, realm, identifier, entropy)?,
            None => Owner::plain(realm, identifier),
        };
        let head = Head {
            life: entropy.random_id(),
            state: HeadState::Alive,
            not_before: self.not_before,
            began: now,
            ends: self.ends,
            idle: config.idle_millis(now)?,
            config_version: config.version,
            refresh_counter: 0,
            refresh_time: None,
            owner: whose.clone(),
        };
        let sealed = vault.seal_head(id, &head, entropy)?;
        let record = known.record.as_ref();
        let mut owner = User::of(vault, user, record, &whose, now)?;
        // What a box of a secret that is no more said, is known again.
        owner.owner = whose;
        if !evicted.is_empty() {
            owner.ends(ends_left(vault, user, known, evicted), now);
        }
        owner.begins(head.ends);

        // The head alone is guarded: the cells of an older life may still lie there, and go.
        let generation = record.map_or(0, |record| record.generation);
        let guard = Guard { head: self.guard.clone(), generation: Some((*user, generation)), ..Guard::default() };
        let mut effects = Effects::nothing(now, &store.limits);
        effects.head = Some(sealed.clone());
        effects.clear = true;
        effects.raise_version = true;
        effects.restart = Some(0);
        effects.reset_touch = true;
        let touch = Some(vault.seal_touch(id, &head.life, now));
        effects.touch = touch;
        effects.index = Some((*user, true));
        effects.expires = row_hint(store, &head, now);
        effects.user = Some((*user, UserEffect::Write(vault.seal_user(user, &owner, entropy)?)));
        let versions = put(&mut effects, &vault.field_seals(keys.as_deref(), id, &head.life), fields, entropy)?;
        let change = Change { space: vault.space(), id: *id, guard, effects, answer: Cells::None };
        Ok(Born { change, seen: Seen { sealed, head, touched: now, touch, keys: keys.clone() }, versions })
    }
}

/// Seals fields into the change of a life; their new versions, in order.
pub(super) fn put(
    effects: &mut Effects,
    seals: &FieldSeals<'_>,
    fields: &[(FieldName, Json, Option<Time>)],
    entropy: &mut Entropy,
) -> Result<Vec<FieldVersion>> {
    let mut versions = Vec::with_capacity(fields.len());
    effects.put.reserve_exact(fields.len());
    for (name, value, expires) in fields {
        let stamp: Stamp = entropy.random_id();
        versions.push(FieldVersion::from_be_bytes(stamp));
        effects.put.push(seals.seal(name.as_str(), value.as_str(), *expires, stamp, entropy)?);
    }
    Ok(versions)
}
