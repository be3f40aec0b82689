//! How much is sealed with each key, and a key that goes once that is nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::walk::{self, Kind, Parts, is_of_one_cell};
use crate::backend::Cells;
use crate::error::{Result, fail};
use crate::store::{Inner, Store};
use crate::task::{Task, sleep};
use crate::vault::{KeyState, Keyring, LOOK_EVERY, key_id};

/// By then every process has read that a key is revoked, and what it was sealing before is written.
const NOTICED_AFTER: Duration = LOOK_EVERY.saturating_add(Duration::from_secs(3));

/// How many records are read at once.
const PAGE: usize = 500;

impl Store {
    /// How much is sealed with each key in this workspace, product and env. It reads all of it.
    ///
    /// ```json
    /// {"keys": [{"id": 1, "state": "retired", "heads": 0, "fields": 0, "users": 0, "configs": 0,
    ///            "revocations": 0, "secrets": 0}],
    ///  "unreadable": 0, "sealsWith": 2, "signsWith": "…", "signing": [{"kid": "…", "state": "primary"}],
    ///  "problem": null}
    /// ```
    /// Every key of the keyring is listed, and every other that something is sealed with (`"state": "missing"`).
    /// *Unreadable* counts what names no key, and configurations that can't be opened, or whose users' secrets this
    /// store was opened without. *Problem* is why the keyring that was
    /// offered last is not in force: `{"code", "message"}`.
    pub fn key_usage(&self) -> Task<String> {
        let inner = self.0.clone();
        Task::new(&self.0.pool, async move || {
            inner.ready().await?;
            Ok(usage(&inner).await?.print(&inner).to_string())
        })
    }

    /// Takes a retired or revoked data key out of the keyring file, if nothing of this workspace, product and env is sealed
    /// with it: else `CONFLICT` with the counts. What other namespaces that share the file hold must be
    /// [asked](Store::key_usage) of them; checkpoints live 24 hours. `NOT_FOUND`; `UNSUPPORTED` for a keyring that is no file.
    ///
    /// It takes 8 seconds: first the key is revoked, so that a process that still seals with it stops; once each has read
    /// that, it is counted again what is sealed with the key, and if that is something the key is what it was.
    pub fn drop_key(&self, key: &str) -> Task<()> {
        let inner = self.0.clone();
        let key = key.to_owned();
        Task::new(&self.0.pool, async move || {
            inner.ready().await?;
            drop_key(&inner, &key).await
        })
    }
}

async fn drop_key(store: &Inner, key: &str) -> Result<()> {
    let ring = store.vault.ring();
    let Some(path) = ring.path() else {
        return Err(fail!(Unsupported, "the keyring is no file: take the key out where it is kept, and reload_keys"));
    };
    let id: u32 = key
        .parse()
        .map_err(|_| fail!(InvalidArgument, "key: {key:?} given; a data key's id wanted").with("argument", "key"))?;
    check_unused(store, id).await?;
    let was = Keyring::revoke_to_drop(path, key)?;
    let followed = store.follow_keys_now().await;
    sleep(NOTICED_AFTER).await;
    // Another process may have sealed with it in the moment before it read that.
    if let Err(error) = followed.and(check_unused(store, id).await) {
        if was == KeyState::Retired {
            Keyring::retire(path, key)?;
            store.follow_keys_now().await?;
        }
        return Err(error);
    }
    Keyring::drop(path, key)?;
    store.follow_keys_now().await
}

/// `CONFLICT` if the key is needed, or nobody can tell.
async fn check_unused(store: &Inner, id: u32) -> Result<()> {
    let mut usage = usage(store).await?;
    if usage.hidden > 0 {
        return Err(fail!(
            Conflict,
            "{} configurations can't be opened, so nobody can tell what is sealed under them: mend or delete them first",
            usage.hidden
        )
        .with("reason", "unreadable")
        .with("configs", usage.hidden));
    }
    if usage.without_secrets {
        // Nothing of a user whose secret is gone could ever be read again.
        store.secrets()?;
    }
    let Count { heads, fields, users, configs, revocations, secrets } = usage.keys.remove(&id).unwrap_or_default();
    if heads + fields + users + configs + revocations + secrets > 0 {
        return Err(fail!(Conflict, "data key {id} still opens what nothing else would: rewrap first")
            .with("reason", "used")
            .with("heads", heads)
            .with("fields", fields)
            .with("users", users)
            .with("configs", configs)
            .with("revocations", revocations)
            .with("secrets", secrets));
    }
    Ok(())
}

#[derive(Default)]
struct Usage {
    keys: BTreeMap<u32, Count>,
    unreadable: u64,
    /// Configurations that can't be opened.
    hidden: u64,
    without_secrets: bool,
}

#[derive(Default)]
struct Count {
    heads: u64,
    fields: u64,
    users: u64,
    configs: u64,
    revocations: u64,
    secrets: u64,
}

impl Usage {
    fn count(&mut self, cell: &[u8], of: impl FnOnce(&mut Count) -> &mut u64) {
        match key_id(cell) {
            Some(id) => *of(self.keys.entry(id).or_default()) += 1,
            None => self.unreadable += 1,
        }
    }

    fn print(mut self, store: &Inner) -> Value {
        let ring = store.vault.ring();
        let in_force = ring.in_force();
        let mut states: BTreeMap<u32, &str> = self.keys.keys().map(|id| (*id, "missing")).collect();
        states.extend(in_force.keyring.data_keys().iter().map(|key| (key.id, key.state.as_str())));
        let keys: Vec<Value> = states
            .into_iter()
            .map(|(id, state)| {
                let count = self.keys.remove(&id).unwrap_or_default();
                let Count { heads, fields, users, configs, revocations, secrets } = count;
                json!({"id": id, "state": state, "heads": heads, "fields": fields, "users": users, "configs": configs,
                    "revocations": revocations, "secrets": secrets})
            })
            .collect();
        let signing = in_force.keyring.signing_keys().iter();
        let signing: Vec<Value> = signing.map(|key| json!({"kid": key.kid, "state": key.state.as_str()})).collect();
        let problem = ring.trouble().map(|error| json!({"code": error.code().name(), "message": error.message()}));
        json!({
            "keys": keys,
            "unreadable": self.unreadable,
            "sealsWith": in_force.sealing.id,
            "signsWith": in_force.signing.kid,
            "signing": signing,
            "problem": problem,
        })
    }
}

async fn usage(store: &Inner) -> Result<Usage> {
    let Parts { parts, unreadable: hidden, without_secrets } = walk::parts(store).await?;
    let unreadable = hidden + without_secrets;
    let mut usage = Usage { unreadable, hidden, without_secrets: without_secrets > 0, ..Usage::default() };
    for part in &parts {
        let mut after = None;
        if let Kind::Users(_) | Kind::Secrets(_) = part.kind {
            let mut after = None;
            loop {
                let records = part.backend(store)?.page_users(&part.space, after, PAGE).await?;
                for (_, record) in &records {
                    usage.count(&record.sealed, |count| match part.kind {
                        Kind::Secrets(_) => &mut count.secrets,
                        _ => &mut count.users,
                    });
                }
                match records.last() {
                    Some((user, _)) if records.len() == PAGE => after = Some(*user),
                    _ => break,
                }
            }
            continue;
        }
        loop {
            let rows = store.backend.ids(&part.space, after.as_ref(), PAGE).await?;
            for id in &rows {
                let record = match store.backend.read(&part.space, id, &Cells::All, None).await {
                    Ok(record) => record,
                    Err(error) if is_of_one_cell(error.code()) => {
                        usage.unreadable += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if let Some(head) = &record.head {
                    usage.count(head, |count| match part.kind {
                        Kind::Configs => &mut count.configs,
                        Kind::Revocations => &mut count.revocations,
                        _ => &mut count.heads,
                    });
                }
                record.cells.iter().for_each(|(_, sealed)| usage.count(&sealed.0, |count| &mut count.fields));
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE => after = Some(*last),
                _ => break,
            }
        }
    }
    Ok(usage)
}
