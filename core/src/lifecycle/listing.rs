//! Sessions as lists show them.

use serde_json::json;

use super::{Under, Who};
use crate::audit::{Event, What, Whose};
use crate::backend::{BlindUser, Listed, StorageId};
use crate::clock::Time;
use crate::error::{Code, Result};
use crate::page::{self, Page};
use crate::session::global::kept::KEPT_AFTER_END;
use crate::session::seen::Seen;
use crate::store::Inner;
use crate::vault::{HeadState, Identifier, SessionId};

pub(super) async fn list(store: &Inner, under: &Under, who: Option<&Who>, page: Page) -> Result<String> {
    let now = store.clock.now();
    let mut after = page.cursor_bytes::<33>()?.map(read_cursor);
    let mut shown = Vec::new();
    // What is not shown takes no place on the page.
    loop {
        let wanted = page.limit - shown.len();
        let user = who.map(|who| &who.user);
        let listed = store.backend.page(&under.vault.space(), user, after, wanted).await?;
        for listed in &listed {
            shown.extend(entry(store, under, listed, now).await);
        }
        after = listed.last().map(|last| (last.user, last.id));
        if listed.len() < wanted {
            return Ok(page::print("sessions", &shown, None));
        }
        if shown.len() == page.limit {
            let next = after.map(print_cursor);
            return Ok(page::print("sessions", &shown, next.as_deref()));
        }
    }
}

/// One session as lists show it; `None` for one that is over for a day, and for bytes that index nothing. So a list
/// tells the same whether the sweep has been by or not.
pub(super) async fn entry(store: &Inner, under: &Under, listed: &Listed, now: Time) -> Option<String> {
    let id = SessionId { tag: (&*under.config.tag).into(), storage: listed.id };
    let sealed = listed.head.as_ref()?;
    let unreadable = |code: Code| Some(json!({"sessionId": id.to_string(), "unreadable": code.name()}).to_string());
    let seen = match opened(store, under, listed, sealed).await {
        Ok(seen) if seen.is_anothers(&under.vault, &listed.user) => {
            let whose = || Whose::session(&under.config.tag, Some(listed.user), listed.id);
            store.audit.happened(|| Event::of(What::TamperingSeen).reason("index").code(Code::Corrupt).whose(whose()));
            return unreadable(Code::Corrupt);
        }
        Ok(seen) => seen,
        Err(error) => {
            let whose = || Whose::session(&under.config.tag, Some(listed.user), listed.id);
            return unreadable(store.audit.refusal(error, whose).code());
        }
    };
    let head = &seen.head;
    let is_gone = seen.over_at().is_some_and(|end| end.plus_millis(KEPT_AFTER_END) <= now);
    if head.state != HeadState::Alive || is_gone {
        return None;
    }
    let person = head.owner.person().ok()?;
    let subject = match &person.identifier {
        Identifier::String(subject) => Some(subject),
        _ => None,
    };
    let standing = subject.map(|subject| under.vault.standing(&person.realm, subject, &listed.user));
    let expires_at = json!(head.ends.map(|end| end.to_string()));
    Some(format!(
        r#"{{"sessionId":"{id}","identifier":{},"realm":{},"standing":{},"startedAt":"{}","lastSeenAt":"{}","expiresAt":{expires_at},"active":{}}}"#,
        person.identifier.to_json(),
        json!(person.realm),
        standing == Some(listed.id),
        head.began,
        seen.touched,
        seen.lives(now)
    ))
}

/// The head opened, and whose it is.
async fn opened(store: &Inner, under: &Under, listed: &Listed, sealed: &[u8]) -> Result<Seen> {
    let mut seen = Seen::open(&under.vault, &listed.id, sealed, listed.touch.as_ref())?;
    store.unlock(&under.vault, &mut seen.head).await?;
    Ok(seen)
}

fn print_cursor((user, id): (BlindUser, StorageId)) -> Vec<u8> {
    [&user[..], &id[..]].concat()
}

fn read_cursor(bytes: [u8; 33]) -> (BlindUser, StorageId) {
    let (mut user, mut id) = ([0; 16], [0; 17]);
    user.copy_from_slice(&bytes[..16]);
    id.copy_from_slice(&bytes[16..]);
    (user, id)
}
