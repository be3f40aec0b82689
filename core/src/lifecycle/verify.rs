//! A session token looked up: what it opens, or why it opens nothing.

use std::sync::Arc;

use serde_json::Value;

use super::Under;
use crate::error::{Code, Error, Result};
use crate::identity::{Confirmation, SessionRef};
use crate::json::Fields;
use crate::session::global::Global;
use crate::session::version::Selection;
use crate::store::Inner;
use crate::vault::Head;

pub(super) async fn verify(store: &Arc<Inner>, token: &str) -> Result<String> {
    let now = store.clock.now();
    let token = match store.verify_whenever(token, &Confirmation::default()).await {
        Ok(token) => token,
        Err(error) => return Ok(invalid(if error.code() == Code::TokenNotYet { "not_yet" } else { "untrusted" })),
    };
    let Some(session) = token.session() else { return Ok(invalid("untrusted")) };
    match store.revocations.check(store, &token).await {
        Err(error) if error.code() == Code::TokenRevoked => return Ok(invalid("revoked")),
        known => known?,
    }
    let global = Global::by_id(store.clone(), session.id.clone());
    // A token that expired says so only of a session that it could open otherwise; looking that up is no use of it.
    let found = match token.check_alive(now) {
        Ok(()) => global.read_with_head(Selection::All).await,
        Err(_) => global.seen().await.map(|_| None),
    };
    match found {
        Ok(Some((head, _)))
            if Under::find(store, &session.id.tag).await?.config.definition.is_stale(head.began, now) =>
        {
            Ok(invalid("session_expired"))
        }
        Ok(Some((head, fields))) => {
            let fields = fields.into_iter().map(|(name, field)| (name, field.value)).collect();
            Ok(valid(session, &head, &fields))
        }
        Ok(None) => Ok(invalid("expired")),
        Err(error) => refused(error, session.ends_at.is_some_and(|end| end <= now)),
    }
}

fn valid(session: &SessionRef, head: &Head, fields: &Fields) -> String {
    let expires_at = Value::from(head.ends.map(|end| end.to_string()));
    format!(
        r#"{{"valid":true,"sessionId":"{}","identifier":{},"expiresAt":{expires_at},"data":{}}}"#,
        session.id,
        head.identifier.to_json(),
        fields.to_json()
    )
}

fn invalid(reason: &str) -> String {
    format!(r#"{{"valid":false,"reason":"{reason}"}}"#)
}

/// What became of the session. Where nothing is stored only the token's `sxp` tells.
fn refused(error: Error, is_past_end: bool) -> Result<String> {
    match error.code() {
        Code::SessionExpired => Ok(invalid("session_expired")),
        Code::SessionRevoked => Ok(invalid(error.details()["reason"].as_str().unwrap_or("revoked"))),
        Code::NotFound if is_past_end => Ok(invalid("session_expired")),
        Code::NotFound => Ok(invalid("revoked")),
        _ => Err(error),
    }
}
