//! Everything that is sealed in a namespace, in an order that a walk can be taken up in again.

use std::sync::Arc;

use crate::backend::{Backend, BlindUser, Space, StorageId};
use crate::config::Catalog;
use crate::error::{Code, Result};
use crate::secrets::UserSecrets;
use crate::store::Inner;
use crate::vault::ConfigVault;

/// One kind of cell in one space.
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) space: Space,
}

pub(crate) enum Kind {
    Configs,
    Sessions(Arc<ConfigVault>),
    Users(Arc<ConfigVault>),
    Revocations,
    /// In the backend for them.
    Secrets(Arc<ConfigVault>),
}

impl Kind {
    /// What others rest on first: a copy that was stopped has no session without what opens it, or refuses it.
    fn order(&self) -> u8 {
        match self {
            Kind::Configs => 0,
            Kind::Secrets(_) => 1,
            Kind::Revocations => 2,
            Kind::Sessions(_) => 3,
            Kind::Users(_) => 4,
        }
    }
}

/// The last row that a walk looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    order: u8,
    space: Space,
    row: StorageId,
}

impl Position {
    pub(crate) const LENGTH: usize = 1 + 16 + 17;

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&[self.order][..], &self.space, &self.row].concat()
    }

    pub(crate) fn from_bytes(bytes: [u8; Position::LENGTH]) -> Position {
        let mut position = Position { order: bytes[0], space: [0; 16], row: [0; 17] };
        position.space.copy_from_slice(&bytes[1..17]);
        position.row.copy_from_slice(&bytes[17..]);
        position
    }
}

impl Part {
    /// Where it is kept.
    pub(crate) fn backend<'a>(&self, store: &'a Inner) -> Result<&'a Backend> {
        match self.kind {
            Kind::Secrets(_) => store.secrets().map(UserSecrets::backend),
            _ => Ok(&store.backend),
        }
    }

    /// Where a walk is that has looked at that row of this part.
    pub(crate) fn position(&self, row: StorageId) -> Position {
        Position { order: self.kind.order(), space: self.space, row }
    }

    /// After which row of this part a walk goes on that came to `position`; `Err` if it has been through.
    pub(crate) fn after(&self, position: Option<Position>) -> std::result::Result<Option<StorageId>, ()> {
        let Some(Position { order, space, row }) = position else { return Ok(None) };
        match (order, space).cmp(&(self.kind.order(), self.space)) {
            std::cmp::Ordering::Less => Ok(None),
            std::cmp::Ordering::Equal => Ok(Some(row)),
            std::cmp::Ordering::Greater => Err(()),
        }
    }
}

/// What there is to walk through.
pub(crate) struct Parts {
    /// In order.
    pub(crate) parts: Vec<Part>,
    /// How many configurations can't be opened: nobody can tell what lies under those.
    pub(crate) unreadable: u64,
    /// How many keep secrets of their users that this store was opened without: nor what those are sealed with.
    pub(crate) without_secrets: u64,
}

/// Configurations that are made meanwhile are sealed with the key that seals now.
pub(crate) async fn parts(store: &Inner) -> Result<Parts> {
    let mut parts = vec![
        Part { kind: Kind::Configs, space: store.vault.catalog().space() },
        Part { kind: Kind::Revocations, space: store.vault.revocations().space() },
    ];
    let (mut unreadable, mut without_secrets) = (0, 0);
    for config in Catalog::each(store).await? {
        match config {
            Ok(config) => {
                let vault = store.vault.config(&config.tag, &config.id);
                let space = vault.space();
                parts.push(Part { kind: Kind::Sessions(vault.clone()), space });
                if config.definition.shred {
                    match store.secrets.is_some() {
                        true => parts.push(Part { kind: Kind::Secrets(vault.clone()), space: vault.secret_space() }),
                        false => without_secrets += 1,
                    }
                }
                parts.push(Part { kind: Kind::Users(vault), space });
            }
            Err(error) if is_of_one_cell(error.code()) => unreadable += 1,
            Err(error) => return Err(error),
        }
    }
    parts.sort_by_key(|part| (part.kind.order(), part.space));
    Ok(Parts { parts, unreadable, without_secrets })
}

/// Whether an error concerns one cell or row, not the store.
pub(crate) fn is_of_one_cell(code: Code) -> bool {
    matches!(code, Code::Corrupt | Code::FormatTooNew | Code::KeyUnavailable | Code::KeyRevoked)
}

/// A user's place in a walk.
pub(crate) fn row_of(user: &BlindUser) -> StorageId {
    let mut row = [0; 17];
    row[..16].copy_from_slice(user);
    row
}

pub(crate) fn user_of(row: &StorageId) -> BlindUser {
    let mut user = [0; 16];
    user.copy_from_slice(&row[..16]);
    user
}
