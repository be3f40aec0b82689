//! The two tokens of a session: one that opens it, one that renews both. Made again from the same head they are the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::Under;
use crate::backend::StorageId;
use crate::clock::Time;
use crate::config::tag;
use crate::error::{Code, Error, Result};
use crate::identity::SessionClaims;
use crate::store::Inner;
use crate::vault::{ConfigVault, Head, SessionId};

/// What `start` and `refresh` give.
pub(super) fn print(store: &Inner, under: &Under, id: &StorageId, head: &Head) -> Result<String> {
    let id = SessionId { tag: (&*under.config.tag).into(), storage: *id };
    let issued_at = issued(head);
    let lives_until = under.config.definition.token.end_of(issued_at)?;
    let ends = head.ends.map_or(lives_until, |end| end.min(lives_until));
    // A token is dated in whole seconds, and lives for one at least.
    let expires_at = Time::from_secs(ends.secs().max(issued_at.secs() + 1));
    let jwt = store.signer.issue_session(&SessionClaims {
        id: &id,
        user: &head.owner.user(&under.vault),
        session_ends_at: head.ends,
        issued_at,
        expires_at,
        token_id: under.vault.token_id(&id.storage, head.refresh_counter),
    });
    let refresh = RefreshToken { storage: id.storage, counter: head.refresh_counter };
    Ok(json!({
        "token": format!("{}:{jwt}", id.tag),
        "tokenExpiresAt": expires_at.to_string(),
        "refreshToken": format!("{}:{}", id.tag, refresh.print(&under.vault)),
        "sessionId": id.to_string(),
        "expiresAt": head.ends.map(|end| end.to_string()),
    })
    .to_string())
}

/// When the tokens of that head were issued.
pub(super) fn issued(head: &Head) -> Time {
    head.refresh_time.unwrap_or(head.began)
}

/// A refresh token without its `<tag>:`: storage id (17) ‖ counter (8) ‖ MAC (16), in base64url.
pub(super) struct RefreshToken {
    pub(super) storage: StorageId,
    pub(super) counter: u64,
}

const LENGTH: usize = 17 + 8 + 16;

impl RefreshToken {
    fn print(&self, vault: &ConfigVault) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.storage);
        bytes.extend(self.counter.to_be_bytes());
        bytes.extend(vault.refresh_mac(&self.storage, self.counter));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `TOKEN_SIGNATURE` if its MAC is not ours.
    pub(super) fn check(text: &Unread<'_>, vault: &ConfigVault) -> Result<RefreshToken> {
        let (storage, rest) = text.bytes.split_first_chunk::<17>().ok_or_else(malformed)?;
        let (counter, mac) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
        let token = RefreshToken { storage: *storage, counter: u64::from_be_bytes(*counter) };
        match bool::from(vault.refresh_mac(&token.storage, token.counter).ct_eq(mac)) {
            true => Ok(token),
            false => Err(foreign()),
        }
    }
}

/// A refresh token taken apart; nothing in it is believed yet.
pub(super) struct Unread<'a> {
    pub(super) tag: &'a str,
    bytes: Vec<u8>,
}

impl Unread<'_> {
    /// `TOKEN_MALFORMED`.
    pub(super) fn read(text: &str) -> Result<Unread<'_>> {
        let (tag, token) = text.split_once(':').filter(|(tag, _)| tag::is_tag(tag)).ok_or_else(malformed)?;
        match URL_SAFE_NO_PAD.decode(token) {
            Ok(bytes) if bytes.len() == LENGTH => Ok(Unread { tag, bytes }),
            _ => Err(malformed()),
        }
    }
}

fn malformed() -> Error {
    Error::new(Code::TokenMalformed, "not a refresh token: pass what start or refresh gave").with("reason", "refresh")
}

/// `TOKEN_SIGNATURE`: nobody here made that refresh token.
pub(super) fn foreign() -> Error {
    Error::new(Code::TokenSignature, "the refresh token is none of this store's").with("reason", "signature")
}
