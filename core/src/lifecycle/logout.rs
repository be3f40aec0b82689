//! Back-channel logout: an issuer says that somebody logged out, and what they could still open is revoked.

use std::sync::Arc;

use super::{Under, Who, revoke};
use crate::config::Catalog;
use crate::error::{Code, Error, Result};
use crate::store::Inner;

/// Takes a logout token; how many sessions were alive. That it was taken is noted last: a logout that failed half-way can
/// be sent again.
pub(crate) async fn accept(store: &Arc<Inner>, token: &str) -> Result<u64> {
    let logout = store.verifier.read_logout(token, &store.clock).await?;
    store.revocations.check_replay(store, &logout).await?;
    store.revocations.revoke_login(store, &logout).await?;
    let mut alive = 0;
    if let Some(subject) = &logout.subject {
        for config in Catalog::all(store).await? {
            let under = match Under::find(store, &config.tag).await {
                Err(gone) if is_gone(&gone) => continue,
                found => found?,
            };
            let who = Who::of(&under, logout.realm(), subject);
            alive += revoke::revoke_all(store, &under, &who, None, revoke::Record::Kept).await?;
        }
    }
    store.revocations.take(store, &logout).await?;
    Ok(alive)
}

/// The configuration was deleted meanwhile, with every session under it.
fn is_gone(error: &Error) -> bool {
    error.code() == Code::NotFound
}
