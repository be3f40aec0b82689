//! A field as the verbs see it: its value, its version, its end; and what an edit makes of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Time;
use crate::error::{Result, fail};
use crate::json::Json;

/// A field's version: new at each put, compared for equality only.
pub(crate) type FieldVersion = u128;

/// A field that is there.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) value: Json,
    pub(crate) version: FieldVersion,
    pub(crate) expires: Option<Time>,
}

impl Field {
    /// A field is absent from the instant its ttl ends, whether it was swept or not.
    pub(crate) fn lives(&self, now: Time) -> bool {
        self.lives_at(|| now)
    }

    /// [`lives`](Field::lives), which asks for the time only where there is a ttl: to know it takes as long as to find a field.
    pub(crate) fn lives_at(&self, now: impl FnOnce() -> Time) -> bool {
        self.expires.is_none_or(|end| now() < end)
    }
}

/// What an edit makes of a field.
pub(crate) enum Edit {
    /// Nothing is written.
    Keep,
    /// A new value; the ttl stays.
    Put(Json),
    /// A new value (or the same), with this end.
    PutUntil(Json, Option<Time>),
    Delete,
}

/// The version as callers hold it: 22 characters.
pub(crate) fn print_version(version: FieldVersion) -> String {
    URL_SAFE_NO_PAD.encode(version.to_be_bytes())
}

/// Reads what [`print_version`] printed.
pub(crate) fn parse_version(text: &str) -> Result<FieldVersion> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    match bytes {
        Some(bytes) => Ok(u128::from_be_bytes(bytes)),
        None => Err(fail!(InvalidArgument, "not a field's version: pass what get_versioned or put_if gave")
            .with("argument", "version")),
    }
}

/// The end of what is put or begins now with that ttl: whole seconds, at least 1, an end that a calendar shows.
pub(crate) fn expiry(ttl: Option<u64>, now: Time) -> Result<Option<Time>> {
    let Some(secs) = ttl else { return Ok(None) };
    let millis = i64::try_from(secs).ok().and_then(|secs| secs.checked_mul(1000));
    match millis.and_then(|millis| now.millis().checked_add(millis)) {
        Some(end) if secs >= 1 && Time::from_millis(end).is_in_calendar() => Ok(Some(Time::from_millis(end))),
        _ => Err(fail!(
            InvalidArgument,
            "ttl: {secs} given, whole seconds of at least 1 wanted, with an end before the year 10000"
        )
        .with("argument", "ttl")),
    }
}
