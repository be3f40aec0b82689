//! A session token looked up: what it opens, or why it opens nothing.

use std::sync::Arc;

use serde_json::Value;

use super::Under;
use crate::audit::{Event, What, Whose};
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
        Err(error) => {
            store.audit.happened(|| Event::of(What::TokenRefused).refused(&error));
            return Ok(invalid(if error.code() == Code::TokenNotYet { "not_yet" } else { "untrusted" }));
        }
    };
    let event = |what| Event::of(what).whose(Whose::proven(&store.vault, &token));
    let Some(session) = token.session() else {
        store.audit.happened(|| event(What::TokenRefused).reason("typ"));
        return Ok(invalid("untrusted"));
    };
    match store.revocations.check(store, &token).await {
        Err(error) if error.code() == Code::TokenRevoked => {
            store.audit.happened(|| event(What::TokenRefused).refused(&error));
            return Ok(invalid("revoked"));
        }
        known => known?,
    }
    let global = Global::by_id(store.clone(), session.id.clone());
    // A token that expired says so only of a session that it could open otherwise; looking that up is no use of it.
    let found = match token.check_alive(now) {
        Ok(()) => global.read_with_head(Selection::All).await,
        Err(_) => global.seen().await.map(|_| None),
    };
    match found {
        Ok(Some((seen, _)))
            if Under::find(store, &session.id.tag).await?.config.definition.is_stale(seen.head.began, now) =>
        {
            store.audit.happened(|| event(What::TokenRefused).reason("maxAuthAge"));
            Ok(invalid("session_expired"))
        }
        Ok(Some((seen, fields))) => {
            store.audit.happened(|| event(What::TokenVerified));
            let fields = fields.into_iter().map(|(name, field)| (name, field.value)).collect();
            valid(session, &seen.head, &fields)
        }
        Ok(None) => {
            store.audit.happened(|| event(What::TokenRefused).reason("expired"));
            Ok(invalid("expired"))
        }
        Err(error) => match ended(&error, session.ends_at.is_some_and(|end| end <= now)) {
            Some(reason) => {
                store.audit.happened(|| event(What::TokenRefused).refused(&error).reason(reason));
                Ok(invalid(reason))
            }
            None => Err(store.audit.refusal(error, || Whose::proven(&store.vault, &token))),
        },
    }
}

fn valid(session: &SessionRef, head: &Head, fields: &Fields) -> Result<String> {
    let expires_at = Value::from(head.ends.map(|end| end.to_string()));
    Ok(format!(
        r#"{{"valid":true,"sessionId":"{}","identifier":{},"expiresAt":{expires_at},"data":{}}}"#,
        session.id,
        head.owner.person()?.identifier.to_json(),
        fields.to_json()
    ))
}

fn invalid(reason: &str) -> String {
    format!(r#"{{"valid":false,"reason":"{reason}"}}"#)
}

/// What became of the session, if it is over. Where nothing is stored only the token's `sxp` tells.
fn ended(error: &Error, is_past_end: bool) -> Option<&str> {
    match error.code() {
        Code::SessionExpired => Some("session_expired"),
        Code::SessionRevoked => Some(error.details()["reason"].as_str().unwrap_or("revoked")),
        Code::NotFound if is_past_end => Some("session_expired"),
        Code::NotFound => Some("revoked"),
        _ => None,
    }
}
