//! A session begins.

use std::sync::Arc;
use std::time::Instant;

use super::{Under, again, pair};
use crate::audit::{Event, What, Whose};
use crate::backend::{HeadGuard, Outcome, StorageId, UserRecord, UserSessions};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::json::{self, Fields};
use crate::session::field;
use crate::session::global::begin::Birth;
use crate::session::global::change::{sweep_aside, too_large};
use crate::session::quota;
use crate::store::Inner;
use crate::vault::{Entropy, Head};

pub(super) async fn start(store: &Arc<Inner>, under: &Under, data: &str, ttl: Option<u64>) -> Result<String> {
    let config = under.config.for_beginning()?;
    let Some(selector) = &config.definition.selector else {
        return Err(fail!(
            InvalidArgument,
            "config {:?} has no selector, so nobody can be told whose session it would be",
            config.tag
        )
        .with("argument", "tag"));
    };
    let fields = json::fields_from_object(data, &store.limits)?;
    let data: Fields = fields.iter().cloned().collect();
    let data = data.to_json();
    if let Some(given) = &config.definition.schema {
        given.schema.check(&data)?;
    }
    let identifier = selector.pick(&data)?;
    let realm = store.signer.issuer();
    let user = under.vault.user(realm, &identifier);
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| (name, value, None)).collect();

    let deadline = Instant::now() + store.limits.deadline();
    let mut tries = 0;
    // Without a quota only the user's record is needed, and a refusal tells it. Behind a network it is not read first: a
    // user who is new costs one round trip, any other two, as many as with a read.
    let tells = store.backend.is_remote() && config.definition.max_sessions.is_none();
    let mut told: Option<UserRecord> = None;
    loop {
        let now = store.clock.now();
        let known = match tells {
            true => UserSessions { record: told.take(), sessions: Vec::new() },
            false => store.backend.user(&under.vault.space(), &user).await?,
        };
        let mut entropy = Entropy::draw()?;
        let birth = Birth {
            config,
            vault: &under.vault,
            id: under.vault.started(&user, &mut entropy),
            user,
            realm,
            identifier: &identifier,
            guard: HeadGuard::Absent,
            not_before: None,
            ends: shortened(config.end_of(now)?, field::expiry(ttl, now)?),
            keys: store.keys_for_birth(config.definition.shred, &under.vault, &user).await?,
        };
        let mut changes = quota::make_room(store, config, &under.vault, &user, &known, now, &mut entropy)?;
        let evicted: Vec<_> = changes.iter().map(|change| change.id).collect();
        let born = birth.prepare(store, &known, &evicted, &fields, now, &mut entropy)?;
        changes.push(born.change);
        match store.apply_all(&changes).await? {
            Outcome::Applied { .. } => {
                for change in &changes {
                    store.heads.forget(&change.space, &change.id);
                }
                let head: Head = born.seen.head.clone();
                let id: StorageId = birth.id;
                store.heads.put(&under.vault.space(), &id, Arc::new(born.seen));
                for change in &changes {
                    let what = if change.id == id { What::SessionStarted } else { What::SessionEvicted };
                    let whose = || Whose::session(&config.tag, Some(user), change.id);
                    store.audit.happened(|| Event::of(what).whose(whose()));
                }
                sweep_aside(store);
                return pair::print(store, under, &id, &head);
            }
            Outcome::TooLarge { size, count } => return Err(too_large(&store.limits, size, count)),
            Outcome::Refused(there) => told = there.user,
        }
        // The first one was a guess: nobody was faster.
        tries = if tells && tries == 0 { 1 } else { again(tries, deadline).await? };
    }
}

/// The earlier of two ends; `None`: never.
fn shortened(end: Option<Time>, ttl: Option<Time>) -> Option<Time> {
    [end, ttl].into_iter().flatten().min()
}
